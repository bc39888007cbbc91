-- Consume, aggregate, produce: reads the topic readings, keeps a window for each device, and writes the window's mean and
-- extremes to reading_summaries every few seconds.
--
--   agenthost run examples/ingest.lua examples/processor.lua

local WINDOW = 2 -- seconds

local agent = agenthost.realtime_agent {
  name = "processor",
  description = "Summarizes readings over a window of time",
}

-- By device. It survives an edit of this file, not the end of the process: acknowledged means that the handler of a message
-- has returned, so a crash loses the window that was open.
agent.state.windows = {}

agent:on_message("readings", function(reading)
  local device = assert(reading.device_id, "device_id is missing")
  local value = assert(tonumber(reading.value), "value is not a number")
  local window = agent.state.windows[device]
  if not window then
    window = { count = 0, sum = 0.0, lowest = value, highest = value }
    agent.state.windows[device] = window
  end
  window.count = window.count + 1
  window.sum = window.sum + value
  window.lowest = math.min(window.lowest, value)
  window.highest = math.max(window.highest, value)
end, { source = "kafka" })

agent:every(WINDOW, function()
  local windows = agent.state.windows
  agent.state.windows = {}
  for device, window in pairs(windows) do
    local summary = {
      device_id = device,
      count = window.count,
      mean = window.sum / window.count,
      lowest = window.lowest,
      highest = window.highest,
    }
    agent:send_kafka("reading_summaries", summary, { key = device })
    -- The same to web pages: a WebSocket subscribed to the topic, or GET /stream/topic/reading_summaries.
    agent:publish("reading_summaries", summary)
  end
end)
