-- The role "ingest": POST /ingest takes any JSON and answers once the first PRODUCE_* topic has it, byte for byte.
-- A script may override transform(data): what it returns is sent, nothing for nil.
local agent = agenthost.agent {
  name = "ingest",
  endpoints = { { path = "/ingest", task_type = "ingest", body = "any" } },
}
local transform = override("transform")
local topics = agent.config.produce_topics

if not topics or #topics == 0 then
  error("an ingest service needs a topic to write: set a PRODUCE_* variable", 0)
end

agent:task("ingest", function(task)
  local value = task.raw
  if transform then
    local made = transform(task.body)
    -- A text, number or null that it leaves as it is goes on as it came: "hello" with its quotes, null as JSON.
    if type(made) == "table" or made ~= task.body then
      value = made
    end
  end
  if value == nil then
    return { status = "ignored" }
  end
  assert(agent:send_kafka(topics[1], value))
  assert(agent:flush())
  return { status = "accepted", topic = topics[1] }
end)
