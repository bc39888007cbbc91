-- Health readings in real time. Devices send them to Kafka or MQTT (topics blood_pressure and heart_rate), or a client
-- posts them. What is out of bounds becomes an alert: on the Kafka topic health_alerts, on every WebSocket at /ws/health
-- and on the Server-Sent Events of /stream/events.
--
--   agenthost run examples/health.lua
--
-- Edit this file while it runs: the next reading is judged by what you saved.

-- Above the first two, and outside the range of the third, a reading raises an alert.
local SYSTOLIC_LIMIT = 140 -- mmHg
local DIASTOLIC_LIMIT = 90 -- mmHg
local HEART_RATE = { low = 50, high = 120 } -- beats a minute

local agent = agenthost.realtime_agent {
  name = "health-processing-agent",
  description = "Real-time health data processing agent",
  capabilities = { "blood_pressure", "heart_rate", "alerts" },
  endpoints = {
    { path = "/analyze-health", task_type = "analyze_health" },
    { path = "/process-vitals", task_type = "process_vitals" },
  },
  websocket_endpoints = {
    { path = "/ws/health", auto_subscribe = { "health_events", "alerts" } },
  },
}

-- agent.state is plain data that survives an edit of this file. A field set here is only the default of a first start.
agent.state.statistics = {}

-- Counts a reading of one kind: how many there were, their extremes and their mean.
local function count(kind, value)
  local all = agent.state.statistics
  local seen = all[kind] or { count = 0, mean = 0.0, lowest = value, highest = value }
  seen.count = seen.count + 1
  seen.mean = seen.mean + (value - seen.mean) / seen.count
  seen.lowest = math.min(seen.lowest, value)
  seen.highest = math.max(seen.highest, value)
  all[kind] = seen
end

-- The names of what is wrong with these vitals; an empty table when they are well. Every field may be missing.
local function findings(vitals)
  local found = agenthost.array {}
  if (vitals.systolic or 0) > SYSTOLIC_LIMIT or (vitals.diastolic or 0) > DIASTOLIC_LIMIT then
    found[#found + 1] = "high_blood_pressure"
  end
  local rate = vitals.heart_rate
  if rate and rate > HEART_RATE.high then
    found[#found + 1] = "high_heart_rate"
  elseif rate and rate < HEART_RATE.low then
    found[#found + 1] = "low_heart_rate"
  end
  return found
end

-- Judges one reading, whichever way it came in; returns what was found.
local function process(reading)
  local vitals
  if reading.reading_type == "blood_pressure" then
    assert(type(reading.value) == "table" and reading.value.systolic, "a blood pressure is { systolic, diastolic }")
    vitals = reading.value
    count("systolic", vitals.systolic)
    if vitals.diastolic then count("diastolic", vitals.diastolic) end
  else
    assert(type(reading.value) == "number", "the value of a " .. reading.reading_type .. " is a number")
    vitals = { [reading.reading_type] = reading.value }
    count(reading.reading_type, reading.value)
  end

  agent:emit {
    event_type = agenthost.events.DATA_PROCESSED,
    topic = "health_events",
    data = { device_id = reading.device_id, reading_type = reading.reading_type, value = reading.value },
  }
  local found = findings(vitals)
  for _, alert in ipairs(found) do
    agent:emit {
      event_type = agenthost.events.ALERT_TRIGGERED,
      topic = "alerts",
      priority = 3,
      data = { alert = alert, reading = reading },
    }
  end
  return found
end

-- Messages, from whichever of Kafka and MQTT is there. One that is no reading is tried again, and then goes to the topic
-- blood_pressure.dlq with the error beside it.
for _, topic in ipairs { "blood_pressure", "heart_rate" } do
  agent:on_message(topic, function(data)
    process(assert(agenthost.models.HealthData(data)))
  end)
end

-- Alerts go on to Kafka, in order for each device.
agent:on_event(agenthost.events.ALERT_TRIGGERED, function(event)
  agent:send_kafka("health_alerts", event.data, { key = event.data.reading.device_id })
end)

-- POST /analyze-health: {"query": "…", "parameters": {"systolic": 150, "diastolic": 95, "heart_rate": 70}}
agent:task("analyze_health", function(task)
  local found = findings(task.parameters)
  return {
    risk = #found > 0 and "high" or "normal",
    findings = found,
    statistics = agent.state.statistics,
  }
end)

-- POST /process-vitals: {"query": "…", "parameters": {"readings": [{"device_id": …}, …]}}
agent:task("process_vitals", function(task)
  local results = agenthost.array {}
  for i, data in ipairs(task.parameters.readings or {}) do
    local reading, problem = agenthost.models.HealthData(data)
    if reading then
      results[i] = { device_id = reading.device_id, findings = process(reading) }
    else
      results[i] = { error = problem }
    end
  end
  return { processed = #results, results = results }
end)
