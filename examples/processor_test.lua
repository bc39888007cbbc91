local test = agenthost.test
local host = test.load "processor.lua"

test("a window becomes one summary for each device", function()
  for _, value in ipairs { 20, 22, 24 } do
    assert(host:message("readings", { device_id = "d1", value = value }))
  end
  test.equal(host.sent.kafka["reading_summaries"], {}, "before the window closes")
  host:advance(2)
  local summary = { device_id = "d1", count = 3, mean = 22, lowest = 20, highest = 24 }
  test.equal(host.sent.kafka["reading_summaries"][1].value, summary)
  test.equal(host.sent.published["reading_summaries"], { summary })
  test.equal(host.state.windows, {})
end)

test("a page that watches the topic gets the summary", function()
  local page = host:stream("/stream/topic/reading_summaries")
  host:message("readings", { device_id = "d2", value = 5 })
  host:advance(2)
  test.equal(page:receive().data.data.count, 1)
end)

test("a value that is no number becomes a dead letter", function()
  host:message("readings", { device_id = "d1", value = "warm" }, { key = "d1" })
  host:advance(2)
  local letter = host.sent.dead_letters[1]
  test.equal(letter.key, "d1")
  test.matches(letter.error, "value is not a number")
end)
