local test = agenthost.test
local host = test.load "gateway.lua"

test("a message reaches every web page", function()
  local page = host:websocket("/ws")
  local stream = host:stream("/stream/events")
  assert(host:message("orders", { id = 7 }))
  test.equal(page:receive("realtime_event").payload.data.message, { id = 7 })
  test.equal(stream:receive("data_processed").data.data.topic, "orders")
end)

test("the environment takes the place of the list of topics", function()
  local other = test.load("gateway.lua", { env = { STREAMING_TOPICS = "payments" } })
  local _, status = other:request { path = "/realtime/status" }
  test.equal(status.active_streams, { "payments" })
end)
