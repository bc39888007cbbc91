-- The role "gateway": every message of the consumed topics, to this host's own WebSocket and Server-Sent Events clients.
-- A script may override to_message(data, message): what it returns is sent, nothing for nil.
local agent = agenthost.realtime_agent { name = "gateway" }
local to_message = override("to_message")
local topics = agent.config.streaming_topics

if not topics or #topics == 0 then
  error("a gateway needs topics: set STREAMING_TOPICS, or CONSUME_* variables", 0)
end

for _, topic in ipairs(topics) do
  agent:on_message(topic, function(data, message)
    if to_message then
      data = to_message(data, message)
    end
    if data ~= nil then
      agent:emit {
        event_type = agenthost.events.DATA_PROCESSED, topic = topic,
        data = { topic = topic, message = data, partition = message.partition, offset = message.offset },
      }
    end
  end, { source = "kafka", deliver = "every" })
end
