-- Every function that a script can reach, called where the stack is nearly full, with more and more arguments.

local functions = {}
local seen = {}
local function collect(t, name)
    for key, value in pairs(t) do
        if type(value) == "function" and not seen[value] then
            seen[value] = true
            functions[#functions + 1] = { name .. tostring(key), value }
        end
    end
end
for _, library in ipairs { "string", "table", "utf8", "math", "os", "coroutine", "debug" } do
    local t = _G[library]
    if t then collect(t, library .. ".") end
end
collect(_G, "")
table.sort(functions, function(a, b) return a[1] < b[1] end)

local nested = ("["):rep(120) .. ("]"):rep(120)
local arguments = {
    {}, { "abc" }, { nested }, { { 1, 2, { 3 } } }, { function() return 1 end }, { "abc", "(.)(.)(.)" },
    { "abc", ".", "%0%0" }, { { 3, 1, 2 } }, { coroutine.create(function() end) },
    { coroutine.create(function() coroutine.yield() end) }, { 65, 66, 67 },
}
local none = {}

local function pick(list) return list[random() % #list + 1] end

local function call_some()
    for _ = 1, 40 do
        local f = pick(functions)
        if f[1] ~= "print" and f[1] ~= "limit" and f[1] ~= "must" then pcall(f[2], table.unpack(pick(arguments))) end
    end
end

local function filled(n, f)
    return pcall(function(...) return f() end, table.unpack(none, 1, n))
end

local ways = {
    call_some,
    function() return wait() end,
    function() return coroutine.wrap(function() return wait(), wait() end)() end,
    function() return select("#", fill()) end,
    function() return ("abcdefghij"):match(("(.)"):rep(10)) end,
    function() return ("x"):byte(1, -1), table.unpack({ 1, 2, 3 }, 1, 100) end,
    function() return decode(nested) end,
    function() return encode({ { { 1 } } }), copy({ { { 1 } } }) end,
    function() return select("#", coroutine.wrap(function() return table.unpack(none, 1, 200) end)()) end,
    function() return xpcall(error, function(m) return m end, "m") end,
    function() local x <close> = setmetatable({}, { __close = function() return wait() end }) return fill() end,
}
local n = 999990 - random() % 240
if random() % 4 == 0 then
    coroutine.wrap(function() filled(n, pick(ways)) end)()
else
    filled(n, pick(ways))
end

-- More values than a stack has.
n = pick { 100, 200000, 333330, 499980, 999970 }
pick {
    function() return show(table.unpack(none, 1, n)) end,
    function() return coroutine.wrap(function(...) return coroutine.yield(...) end)(table.unpack(none, 1, n)) end,
    function() return coroutine.wrap(function(...) return wait(...) end)(table.unpack(none, 1, n)) end,
    function() return string.char(table.unpack(none, 1, n)) end,
    function() return call(table.unpack(none, 1, n)) end,
    function() return spawn(function() return table.unpack(none, 1, n) end) end,
}()
return table.unpack(none, 1, n)
