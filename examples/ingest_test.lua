local test = agenthost.test
local host = test.load "ingest.lua"

local function post(parameters)
  return host:request { path = "/readings", json = { query = "", parameters = parameters } }
end

test("a reading is written to Kafka with its device as the key", function()
  local status, answer = post { device_id = "d1", value = 21.5 }
  test.equal(status, 200)
  test.equal(answer.result.accepted, "d1")
  local record = host.sent.kafka["readings"][1]
  test.equal(record.key, "d1")
  test.equal(record.value.value, 21.5)
end)

test("what does not fit is refused with the fields that are wrong", function()
  local status, answer = post { device_id = "d1", value = "warm" }
  test.equal(status, 422)
  test.equal(answer.detail[1].loc, { "body", "parameters", "value" })
  test.equal(host.sent.kafka["readings"], {})
end)

test("nothing is accepted while Kafka refuses it", function()
  host:fail("kafka", "the broker is away")
  local status, answer = post { device_id = "d1", value = 21.5 }
  test.equal(status, 500)
  test.matches(answer.detail, "the broker is away")
end)
