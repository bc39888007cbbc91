-- HTTP to Kafka: what is posted to /readings is written to the topic readings, and answered only when Kafka has it.
-- examples/processor.lua reads the topic; `agenthost run examples/ingest.lua examples/processor.lua` hosts both.
--
--   curl localhost:8080/readings -H 'Content-Type: application/json' \
--     -d '{"query": "", "parameters": {"device_id": "d1", "value": 21.5}}'

-- A body that does not fit is answered with 422 and the fields that are wrong, before the handler sees it.
local Reading = agenthost.model {
  device_id = "string",
  value = "number",
  unit = "string?",
}

local agent = agenthost.agent {
  name = "ingest",
  description = "Takes readings over HTTP and writes them to Kafka",
  endpoints = {
    { path = "/readings", task_type = "ingest_reading", parameters = Reading },
  },
}

agent:task("ingest_reading", function(task)
  local reading = task.parameters
  reading.received_at = agenthost.now()
  -- The key keeps the readings of one device in one partition, so in order.
  agent:send_kafka("readings", reading, { key = reading.device_id })
  -- send_kafka returns at once; flush waits until Kafka has acknowledged what this task sent.
  assert(agent:flush())
  return { accepted = reading.device_id }
end)
