-- The tests of building.lua: `agenthost test examples/building`.

local test = agenthost.test
local WEATHER = "http://weather.test/now"
local host = test.load("building.lua", { env = { WEATHER_URL = WEATHER } })

local function readings(room, ...)
  for _, celsius in ipairs { ... } do
    assert(host:message("building/north/room/" .. room .. "/temp", celsius))
  end
end

local function estimate(parameters)
  return host:request { method = "POST", path = "/estimate", json = { query = "", parameters = parameters } }
end

test("building and room come from the topic, and a mean is of the last ten readings", function()
  readings("101", 10, 20, 21, 22, 23, 24, 20, 21, 22, 23, 24)
  local status, body = host:request { path = "/buildings/north/rooms/101" }
  test.equal(status, 200)
  test.equal(body.result, {
    building = "north",
    room = "101",
    celsius = 24,
    mean = 22.0,
    last = { 20, 21, 22, 23, 24, 20, 21, 22, 23, 24 },
  })
  local _, rooms = host:request { path = "/rooms" }
  test.equal(rooms.result, { body.result })
end)

test("a room that nobody has heard of is 404", function()
  local status, body = host:request { path = "/buildings/north/rooms/attic" }
  test.equal(status, 404)
  test.equal(body, { detail = "no room attic in building north" })
end)

test("what is no temperature is a dead letter", function()
  for _, payload in ipairs { "warm", 1e300 } do
    host:message("building/north/room/101/temp", payload)
  end
  host:advance(5) -- one after another, each with its attempts
  test.equal(#host.sent.dead_letters, 2)
  test.matches(host.sent.dead_letters[1].error, "a temperature in °C expected")
end)

test("the page gets every room every two seconds", function()
  local page = host:websocket "/ws/rooms"
  host:advance(2)
  local room = page:receive("topic_message").payload.data
  test.equal({ room.room, room.mean }, { "101", 22.0 })
  host:advance(2)
  test.equal(page:receive("topic_message").payload.data, room)
end)

test("the page is served", function()
  local status, page, headers = host:request { path = "/app/" }
  test.equal(status, 200)
  test.matches(headers["content-type"], "text/html")
  for file in page:gmatch '[cf]="([%w.]+)"' do
    test.equal(host:request { path = "/app/" .. file }, 200, file)
  end
end)

test("three readings out of bounds, one after another, are one work order", function()
  readings("hot", 30, 30, 20, 30, 10, 30, 30)
  test.equal(host.sent.kafka["work_orders"], {})
  readings("hot", 31, 31, 31, 31)
  test.equal(host.sent.kafka["work_orders"], {
    { key = "north/hot", headers = {}, value = { building = "north", room = "hot", problem = "too hot", celsius = 31 } },
  })
end)

test("the room is ordered for again once somebody has seen to it", function()
  readings("draughty", 10, 10, 10, 10)
  host:message("work_orders_done", {}, { key = "north/draughty" })
  readings("draughty", 10, 10)
  test.equal(#host.sent.kafka["work_orders"], 1)
  readings("draughty", 10)
  test.equal(#host.sent.kafka["work_orders"], 2)
end)

test("an open order is remembered by the next process", function()
  readings("cellar", 10, 10, 10)
  host.state = {} -- what a process leaves behind is its store alone
  assert(host:reload())
  readings("cellar", 10, 10, 10)
  test.equal(#host.sent.kafka["work_orders"], 1)
end)

test("an order that Kafka does not take is tried again, and its reading counts once", function()
  readings("lobby", 29, 29)
  host:fail("kafka", "the broker is away")
  test.equal(host:message("building/north/room/lobby/temp", 30), nil)
  host:advance(1)
  test.equal(#host.sent.kafka["work_orders"], 1)
  test.equal(host.state.rooms["north/lobby"].last, { 29, 29, 30 })
end)

test("an estimate asks for the weather again when it does not answer", function()
  readings("office", 18)
  host:fail("http", "connection refused")
  host:answer { url = WEATHER, json = { celsius = -5 } }
  local status, body = estimate { building = "north", room = "office", celsius = 20, hours = 8 }
  test.equal(status, 200)
  test.equal({ body.result.outside, body.result.weather }, { -5, "measured" })
  test.equal(("%.2f"):format(body.result.kwh), "10.80") -- two degrees, and 25 of difference for eight hours
  test.equal(#host.sent.http, 2)
end)

test("an estimate assumes a weather that is away, or that nobody has named", function()
  host:fail("http", "connection refused", 3)
  local _, body = estimate { building = "north", room = "office", celsius = 20 }
  test.equal({ body.result.outside, body.result.weather }, { 5.0, "assumed" })
  test.matches(host.log[1], "no weather.*connection refused")

  local alone = test.load "building.lua"
  test.matches(alone.log[1], "no WEATHER_URL")
  assert(alone:message("building/north/room/office/temp", 18))
  local result = assert(alone:task("estimate", { parameters = { building = "north", room = "office", celsius = 20 } }))
  test.equal(result.weather, "assumed")
  test.equal(alone.sent.http, {})
end)

test("an estimate's parameters are checked", function()
  local status, body = estimate { building = "north", celsius = "warm" }
  test.equal(status, 422)
  test.equal({ body.detail[1].loc, body.detail[2].loc }, {
    { "body", "parameters", "celsius" },
    { "body", "parameters", "room" },
  })
  status, body = estimate { building = "north", room = "office", celsius = 40 }
  test.equal(status, 422)
  test.equal(body.detail, "celsius is 5 to 30, hours at least 0")
  test.equal(estimate { building = "north", room = "attic", celsius = 20 }, 404)
end)
