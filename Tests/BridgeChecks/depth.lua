-- The C stack, to its end, by every way there is, and errors while errors are handled.

local function pick(list) return list[random() % #list + 1] end

local function gsub(n) return (("a"):gsub("a", function() return gsub(n + 1) end)) end
local function sort() table.sort({ 2, 1 }, function(a, b) sort() return a < b end) end
local function wrap() return coroutine.wrap(wrap)() end
local function protected() assert(pcall(protected)) end
local function handled() assert(xpcall(handled, function(m) return m end)) end
local function called() call(called) end
local function spawned() spawn(spawned) end
local indexed = setmetatable({}, {}) getmetatable(indexed).__index = function(t, k) return t[k] end
local chained = setmetatable({}, {})
for _ = 1, 3000 do chained = setmetatable({}, { __index = chained }) end
local text = setmetatable({}, {}) getmetatable(text).__tostring = function(t) return tostring(t) end
local joined = setmetatable({}, {}) getmetatable(joined).__concat = function(a, b) return a .. b end
local equal = {} equal.__eq = function(a, b) return a == b end
local calls = setmetatable({}, {}) getmetatable(calls).__call = function(t) return t() end
local load_in_load
function load_in_load() return load(function() return load_in_load() end) end
local closes
function closes()
    local x <close> = setmetatable({}, { __close = function() closes() end })
end
local function nested_close()
    local co = coroutine.create(function()
        local x <close> = setmetatable({}, { __close = nested_close })
        coroutine.yield()
    end)
    coroutine.resume(co)
    local ok, message = coroutine.close(co)
    if not ok then error(message, 0) end
end
local f = pick {
    gsub, sort, wrap, protected, handled, called, function() spawned() error("ends") end,
    function() return indexed.x end, function() return chained.x end, function() return tostring(text) end,
    function() return joined .. "" end, function() return setmetatable({}, equal) == setmetatable({}, equal) end,
    function() load_in_load() error("ends") end, closes, nested_close, function() return calls() end,
}
pick {
    function() pcall(f, 1) end,
    function() coroutine.wrap(function() pcall(f, 1) end)() end,
    function() pcall(xpcall, f, f) end,
    function() pcall(xpcall, f, function(m) return f(m) end) end,
    function() pcall(coroutine.wrap(f)) end,
    function()
        local co = coroutine.create(function()
            local x <close> = setmetatable({}, { __close = f })
            coroutine.yield()
        end)
        coroutine.resume(co)
        coroutine.close(co)
    end,
}()

-- An error while the overflow of the C stack is handled (Lua 5.4.5's own test).
local function loop() assert(pcall(loop)) end
local ok, message = xpcall(loop, loop)
must(not ok and tostring(message):find("error"), message)

-- Overflow of Lua's stack, in the middle of calls with many arguments and metamethods.
local names = {}
for i = 1, random() % 250 + 1 do names[i] = "a" .. i end
local list = table.concat(names, ", ")
local deep = load("local f function f(" .. list .. ") return 1 + f(" .. list .. ") end return f")()
local ok, message = pcall(deep)
must(not ok and tostring(message):find("overflow"), message)
pcall(coroutine.wrap(deep))
xpcall(deep, function() return deep() end)
