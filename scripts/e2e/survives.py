"""Nothing that a script does ends the process: each case is a way in which one could."""

from support import Host, case, equal, run

SCRIPT = """
local agent = agenthost.agent {
  name = "survivor",
  endpoints = {
    { path = "/arguments", task_type = "arguments" }, { path = "/closing", task_type = "closing" },
    { path = "/requests", task_type = "requests" }, { path = "/fields", task_type = "fields" },
    { path = "/breaks", task_type = "breaks" }, { path = "/ok", task_type = "ok" },
  },
}

agent:task("ok", function() return "ok" end)

agent:task("arguments", function()
  local nested = ("["):rep(120) .. ("]"):rep(120)
  local functions = {
    function() return agenthost.json.decode(nested) end,
    function() return agenthost.json.encode({ { { 1 } } }) end,
    function() return agenthost.sleep(0) end,
    function() return agenthost.spawn(print, 1, 2, 3) end,
    function() return agenthost.models.HealthData({}) end,
    function() return agenthost.http.get("http://127.0.0.1:99999/") end,
  }
  local none, ended = {}, 0
  for _, f in ipairs(functions) do
    for _, count in ipairs { 999000, 999800, 999900, 999930, 999945, 999955 } do
      local ok, message = pcall(function(...) return f() end, table.unpack(none, 1, count))
      assert(ok or tostring(message):find("^[%w_]+%.lua:%d+: .*overflow"), message)
      ended = ended + 1
      agenthost.sleep(0)  -- a budget of its own for each
    end
  end
  return ended
end)

agent:task("closing", function()
  local last
  for round = 1, 200 do
    local co = coroutine.create(function()
      local x <close> = setmetatable({}, { __close = function()
        local garbage = {}
        for i = 1, 200 do garbage[i] = { i } end
        error("closing", 0)
      end })
      local function deep(n)
        if n > 0 then return 1 + deep(n - 1) end
        return xpcall(coroutine.yield, function(m) return m end)
      end
      return deep(150)
    end)
    coroutine.resume(co)
    last = select(2, coroutine.close(co))
  end
  return last
end)

agent:task("requests", function()
  local http = agenthost.http
  local answers = {}
  for i, request in ipairs {
    { url = "http://127.0.0.1:9/", headers = { ["a b: c"] = "d" } },
    { url = "http://127.0.0.1:9/", method = "TRACE", body = "x" },
    { url = "http://127.0.0.1:99999/" }, { url = "http://127.0.0.1:0/" }, { url = "http://127.0.0.1:-1/" },
    { url = "http://127.0.0.1:99999999999999999999/" }, { url = "http://[::1]:70000/" }, { url = "http://" },
    { url = "http://a b/" },
  } do
    local answer, message = http.request(request)
    assert(answer == nil and type(message) == "string", i)
    answers[i] = message
  end
  return answers
end)

agent:task("fields", function()
  local chunk, message = load("return (...)" .. (".a"):rep(100000) .. " + 1", "=fields")
  return { compiled = chunk ~= nil, message = message }
end)

agent:task("breaks", function()
  local closed = 0
  local closing = setmetatable({}, { __close = function() closed = closed + 1 end })
  for round = 1, 100 do
    for k in next, { 1 }, nil, closing do
      local function f() return k, round end
      break
    end
    local a <close> = closing
  end
  return closed
end)
"""


@case("calls with nearly a million arguments, coroutines closed within xpcall, requests that no client can make")
def survives():
    with Host(SCRIPT, environment={"LOG_LEVEL": "ERROR"}) as host:
        equal(host.task("/arguments", query=""), 36)
        equal(host.task("/closing", query=""), "closing")
        answers = host.task("/requests", query="")
        equal(len(answers), 9)
        assert "is no header name" in answers[0] and "TRACE" in answers[1], answers
        for answer in answers[2:7]:
            assert "is no port" in answer, answer
        equal(
            host.task("/fields", query=""),
            {"compiled": False, "message": "fields:1: more than 200 fields read one from another in one expression"},
        )
        equal(host.task("/breaks", query=""), 200)
        equal(host.task("/ok", query=""), "ok")


run()
