-- The rooms of some buildings: temperatures come from MQTT, means go to a web page, a room that stays too hot or too cold
-- becomes a work order on Kafka, and POST /estimate says what heating it would cost.
--
--   agenthost run examples/building/building.lua
--   agenthost send mqtt:building/north/room/101/temp 21.5
--   agenthost send kafka:work_orders_done --key north/101 '{}'
--
-- The page is http://localhost:8080/app/. The weather, {"celsius": …}, is asked of WEATHER_URL; without it an estimate
-- assumes it.

local WINDOW = 10 -- readings in a mean
local PATIENCE = 3 -- readings out of bounds, one after another, before a work order
local TYPICAL = 5.0 -- °C outside, where the weather is not known
local CAPACITY = 0.4 -- kWh that warm a room by one degree
local LOSS = 0.05 -- kWh an hour and degree of difference to the outside
local PRICE = 0.30 -- € a kWh

local agent = agenthost.realtime_agent {
  name = "building",
  description = "Watches the temperatures of rooms",
  endpoints = {
    { path = "/rooms", method = "GET", task_type = "rooms" },
    { path = "/buildings/{building}/rooms/{room}", method = "GET", task_type = "room" },
    {
      path = "/estimate",
      task_type = "estimate",
      parameters = agenthost.model { building = "string", room = "string", celsius = "number", hours = "number?" },
    },
  },
  websocket_endpoints = { { path = "/ws/rooms", auto_subscribe = { "rooms" } } },
  static = { ["/app"] = "public" },
  config = {
    too_cold = agenthost.setting { env = "TOO_COLD", default = 16.0 },
    too_hot = agenthost.setting { env = "TOO_HOT", default = 27.0 },
    weather_url = agenthost.setting { env = "WEATHER_URL", kind = "url" },
  },
}

-- By "building/room": the last readings, and how many of them were out of bounds.
agent.state.rooms = {}

local function mean(values)
  local sum = 0.0
  for _, value in ipairs(values) do
    sum = sum + value
  end
  return sum / #values
end

-- What is shown of a room: on the page, and to who asks for it.
local function view(seen)
  return {
    building = seen.building,
    room = seen.room,
    celsius = seen.last[#seen.last],
    mean = mean(seen.last),
    last = seen.last,
    problem = seen.problem,
    order = seen.order,
  }
end

local function find(building, room)
  return agent.state.rooms[building .. "/" .. room]
    or error(agenthost.answer(404, { detail = ("no room %s in building %s"):format(room, building) }))
end

-- The room's order, if one is open; it is on disk, since the process may end before the repair does.
local function open_order(key)
  local order, problem = agenthost.store.get("order/" .. key)
  assert(not problem, problem)
  return order
end

-- Kafka first, then the disk: an end of the process between the two orders twice, the other way round it would never order.
local function place_order(key, order)
  assert(agent:send_kafka("work_orders", order, { key = key }))
  assert(agent:flush())
  assert(agenthost.store.set("order/" .. key, order))
  return order
end

agent:on_message("building/+/room/+/temp", function(celsius, message)
  assert(type(celsius) == "number" and celsius > -100 and celsius < 100, "a temperature in °C expected")
  local building, room = message.topic:match("^building/([^/]+)/room/([^/]+)/temp$")
  local key = building .. "/" .. room
  local seen = agent.state.rooms[key] or { building = building, room = room, last = agenthost.array {}, streak = 0 }

  local problem = celsius > agent.config.too_hot and "too hot" or celsius < agent.config.too_cold and "too cold" or nil
  local streak = problem and (problem == seen.problem and seen.streak or 0) + 1 or 0
  local order = open_order(key)
  if streak >= PATIENCE and not order then
    order = place_order(key, { building = building, room = room, problem = problem, celsius = celsius })
  end

  -- At the end: a message that fails above is tried again, and its reading counts once.
  seen.problem, seen.streak, seen.order = problem, streak, order
  table.insert(seen.last, celsius)
  if #seen.last > WINDOW then table.remove(seen.last, 1) end
  agent.state.rooms[key] = seen
end)

-- Whoever has seen to a room says so with a message of the order's key.
agent:on_message("work_orders_done", function(_, message)
  assert(agenthost.store.delete("order/" .. assert(message.key, "the key is building/room")))
  local seen = agent.state.rooms[message.key]
  if seen then seen.order, seen.streak = nil, 0 end
end, { source = "kafka" })

agent:every(2, function()
  for _, seen in pairs(agent.state.rooms) do
    agent:publish("rooms", view(seen))
  end
end)

-- GET /rooms, and GET /buildings/north/rooms/101
agent:task("rooms", function()
  local rooms = agenthost.array {}
  for _, seen in pairs(agent.state.rooms) do
    rooms[#rooms + 1] = view(seen)
  end
  return rooms
end)

agent:task("room", function(task)
  return view(find(task.path.building, task.path.room))
end)

-- Degrees outside; nil where nobody knows.
local function weather()
  local url = agent.config.weather_url
  if not url then return nil end
  local answer, problem
  for attempt = 1, 3 do
    answer, problem = agenthost.http.get(url, { timeout = 2 })
    if answer and answer.status == 200 then return answer.json and tonumber(answer.json.celsius) end
    if attempt < 3 then agenthost.sleep(0.1 * 2 ^ attempt) end
  end
  agenthost.log.warn("no weather", { url = url, problem = problem or answer.status })
  return nil
end

agent:on_start(function()
  if not agent.config.weather_url then agenthost.log.warn("no WEATHER_URL", { assumed_celsius = TYPICAL }) end
end)

-- POST /estimate {"query": "", "parameters": {"building": "north", "room": "101", "celsius": 21, "hours": 8}}
agent:task("estimate", function(task)
  local wanted = task.parameters
  local hours = wanted.hours or 1
  if wanted.celsius < 5 or wanted.celsius > 30 or hours < 0 then
    return agenthost.answer(422, { detail = "celsius is 5 to 30, hours at least 0" })
  end
  local inside = mean(find(wanted.building, wanted.room).last)
  local outside = weather()
  local kwh = math.max(wanted.celsius - inside, 0) * CAPACITY
    + math.max(wanted.celsius - (outside or TYPICAL), 0) * LOSS * hours
  return {
    euros = kwh * PRICE,
    kwh = kwh,
    inside = inside,
    outside = outside or TYPICAL,
    weather = outside and "measured" or "assumed",
  }
end)
