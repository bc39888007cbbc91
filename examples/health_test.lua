-- The tests of health.lua: `agenthost test examples`.

local test = agenthost.test
local host = test.load "health.lua" -- no network: captured effects, a clock that the test moves

local function blood_pressure(systolic, diastolic)
  return {
    device_id = "d1",
    reading_type = "blood_pressure",
    value = { systolic = systolic, diastolic = diastolic },
    unit = "mmHg",
  }
end

test("a high reading raises an alert", function()
  assert(host:message("blood_pressure", blood_pressure(150, 95)))
  local alert = host.sent.kafka["health_alerts"][1]
  test.equal(alert.value.alert, "high_blood_pressure")
  test.equal(alert.key, "d1")
end)

test("a normal reading raises none", function()
  assert(host:message("blood_pressure", blood_pressure(120, 80)))
  test.equal(host.sent.kafka["health_alerts"], {})
end)

test("an alert is taken back to the message while Kafka refuses it", function()
  host:fail("kafka", "the broker is away")
  test.equal(host:message("blood_pressure", blood_pressure(150, 95)), nil)
  host:advance(1)
  test.equal(#host.sent.kafka["health_alerts"], 1)
end)

test("what is no reading becomes a dead letter after three attempts", function()
  host:message("heart_rate", { device_id = "d1" })
  host:advance(5)
  local letter = host.sent.dead_letters[1]
  test.equal(letter.topic, "heart_rate")
  test.equal(letter.attempts, 3)
  test.matches(letter.error, "HealthData")
end)

test("websocket clients can subscribe", function()
  local client = host:websocket("/ws")
  client:send("subscribe", { topic = "test" })
  test.equal(client:receive("subscription_confirmed").payload.topic, "test")
end)

test("alerts reach the subscribers of /ws/health", function()
  local client = host:websocket("/ws/health")
  host:message("heart_rate", { device_id = "d2", reading_type = "heart_rate", value = 140, unit = "bpm" })
  local types = {}
  for _, message in ipairs(client.messages) do
    if message.message_type == "realtime_event" then types[#types + 1] = message.payload.event_type end
  end
  test.equal(types, { "data_processed", "alert_triggered" })
end)

test("the analysis of vitals names what is wrong", function()
  local status, answer = host:request {
    path = "/analyze-health",
    json = { query = "", parameters = { systolic = 150, heart_rate = 40 } },
  }
  test.equal(status, 200)
  test.equal(answer.result.risk, "high")
  test.equal(answer.result.findings, { "high_blood_pressure", "low_heart_rate" })
end)

test("readings can be posted many at a time", function()
  local result = assert(host:task("process_vitals", { parameters = { readings = { blood_pressure(110, 70), {} } } }))
  test.equal(result.processed, 2)
  test.equal(result.results[1], { device_id = "d1", findings = {} })
  test.matches(result.results[2].error, "device_id")
end)

test("the statistics survive an edit of the script", function()
  host.state = { statistics = {} }
  host:message("blood_pressure", blood_pressure(100, 60))
  assert(host:reload())
  host:message("blood_pressure", blood_pressure(140, 80))
  test.equal(host.state.statistics.systolic, { count = 2, mean = 120, lowest = 100, highest = 140 })
end)
