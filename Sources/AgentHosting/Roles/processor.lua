-- The role "processor": every message of the consumed topics to the first PRODUCE_* topic, as it is.
-- A script may override transform(data, message): what it returns is sent in its place, nothing for nil.
local agent = agenthost.realtime_agent { name = "processor" }
local transform = override("transform")
local inputs, outputs = agent.config.streaming_topics, agent.config.produce_topics

if not inputs or #inputs == 0 then
  error("a processor needs topics to read: set STREAMING_TOPICS, or CONSUME_* variables", 0)
end
if not outputs or #outputs == 0 then
  error("a processor needs a topic to write: set a PRODUCE_* variable", 0)
end

for _, topic in ipairs(inputs) do
  agent:on_message(topic, function(data, message)
    local value = message.raw
    if transform then
      local made = transform(data, message)
      -- A text, number or null that it leaves as it is goes on as it came: JSON null is no tombstone.
      if type(made) == "table" or made ~= data then
        value = made
      end
    end
    if value ~= nil then
      agent:send_kafka(outputs[1], value, { key = message.key, headers = message.header_list })
    end
  end, { source = "kafka" })
end
