-- The role "ingest": POST /ingest takes any JSON and answers once the first PRODUCE_* topic has it.
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
  local data = task.body
  if transform then
    data = transform(data)
  end
  if data == nil then
    return { status = "ignored" }
  end
  assert(agent:send_kafka(topics[1], data))
  assert(agent:flush())
  return { status = "accepted", topic = topics[1] }
end)
