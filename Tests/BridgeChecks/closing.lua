-- Coroutines that end at every point where they can be: closed, given up, failed, collected, with variables to close
-- that collect, raise, yield or close others.

local closed = 0
local function closing(kind)
    return setmetatable({}, { __close = function(_, message)
        closed = closed + 1
        local garbage = {}
        for i = 1, 40 do garbage[i] = { i } end
        if kind == "error" then error("closing") end
        if kind == "table" then error({ "closing" }) end
        if kind == "yield" then pcall(coroutine.yield, "from a close") end
        if kind == "wait" then pcall(wait) end
        if kind == "collect" then collectgarbage() end
        if kind == "self" then pcall(coroutine.close, coroutine.running()) end
        if kind == "deep" then
            local function down(n) if n > 0 then return 1 + down(n - 1) end return 0 end
            down(150)
        end
    end })
end

local kinds = { "none", "error", "table", "yield", "collect", "self", "deep" }

local function body(kind, depth)
    local x <close> = closing(kind)
    coroutine.yield(1)
    local function down(n, f)
        if n > 0 then
            local y <close> = n % 5 == 0 and closing(kind) or nil
            return 1 + down(n - 1, f)
        end
        return f() or 0
    end
    pcall(down, depth, function() coroutine.yield(2) end)
    xpcall(down, function(message) return message end, depth, function()
        coroutine.yield(3)
        pcall(coroutine.yield, 4)
        xpcall(coroutine.yield, function() return "handled" end, 5)
        error("inside")
    end)
    xpcall(function() error("raised") end, function(m) coroutine.isyieldable() return m end)
    for key in next, { 1, 2 }, nil, closing(kind) do
        local function captured() return key end
        coroutine.yield(captured)
        if key == 2 then break end
    end
    local t = setmetatable({}, {
        __index = function(_, k) coroutine.yield(k) return k end,
        __lt = function() coroutine.yield("lt") return true end,
        __concat = function() coroutine.yield("concat") return "c" end,
    })
    local _ = t.field
    _ = t < t
    _ = t .. "x"
    coroutine.wrap(function() coroutine.yield() end)()
    ;("abc"):gsub(".", function() pcall(coroutine.yield) end)
    pcall(table.sort, { 3, 2, 1 }, function(a, b) coroutine.yield() return a < b end)
    return coroutine.yield("last")
end

local function pick(list) return list[random() % #list + 1] end

for _ = 1, 8 do
    local kind, depth, steps = pick(kinds), pick { 0, 1, 20, 120 }, random() % 16 + 1
    local co = coroutine.create(body)
    for _ = 1, steps do coroutine.resume(co, kind, depth) end
    if steps % 3 == 0 then collectgarbage() end
    if coroutine.status(co) ~= "dead" then pcall(coroutine.close, co) end
    must(coroutine.status(co) == "dead", "not dead")
    must(not coroutine.resume(co), "resumed")
end

-- Errors with any value, through wraps in wraps and in callbacks of the libraries.
do
    local value = pick { "text", 1, true, {}, print, coroutine.create(print) }
    local function deep(n)
        if n == 0 then error(value) end
        return coroutine.wrap(function() local x <close> = closing("none") return deep(n - 1) end)()
    end
    for n = 0, 20, 5 do must(not pcall(deep, n)) end
    must(not pcall(string.gsub, "a", "a", function() deep(3) end))
    must(not pcall(table.sort, { 2, 1 }, function() deep(3) end))
    local co = coroutine.create(function() local x <close> = closing("error") error(value) end)
    must(not coroutine.resume(co))
    coroutine.close(co)
end
for _, n in ipairs { 1, 2 } do
    local nil_error = coroutine.create(function() error() end)
    must(not coroutine.resume(nil_error))
    coroutine.close(nil_error)
end

-- The host's waits at each of these places; the driver answers them, fails them, and gives up at each.
local function waits(kind)
    local x <close> = closing(kind)
    wait()
    pcall(wait)
    xpcall(wait, function(m) return m end)
    xpcall(function()
        local y <close> = closing(kind)
        coroutine.wrap(function()
            local z <close> = closing(kind)
            xpcall(function() wait() error("late") end, function(m) return m end)
            coroutine.yield(wait())
        end)()
    end, function(m) return m end)
    local t = setmetatable({}, { __index = function() return wait() end, __close = function() pcall(wait) end })
    local w <close> = t
    return t.field
end
local kind = pick { "none", "error", "wait", "collect", "deep" }
local way = random() % 3
if way == 0 then
    pcall(waits, kind)
elseif way == 1 then
    coroutine.wrap(function() pcall(waits, kind) end)()
else
    pcall(spawn, function() waits(kind) end)
end
