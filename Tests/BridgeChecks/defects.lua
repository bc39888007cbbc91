-- What later versions of Lua 5.4 mended, as their own tests have it (LuaDefects in LuaRuntime's documentation).

do  -- a break that leaves a variable open
    local closed = 0
    local closing = setmetatable({}, { __close = function() closed = closed + 1 end })
    for round = 1, 200 do
        local function test()
            for k in next, {}, nil, closing do
                local function f() return k end
                break
            end
            for k in next, { 1 }, nil, closing do
                local function f() return k, round end
                if k == 1 then break end
            end
        end
        test()
        local a <close> = closing
        local b <close> = closing
    end
    assert(closed == 800)
end

do  -- a message handler that is overwritten
    for round = 1, 200 do
        local co = coroutine.create(function()
            local x <close> = setmetatable({}, { __close = function()
                local garbage = {}
                for i = 1, 50 do garbage[i] = { i } end
                error(134, 0)
            end })
            local function deep(n)
                if n > 0 then return 1 + deep(n - 1) end
                return xpcall(coroutine.yield, function() return "handled" end)
            end
            return deep(round % 2 == 0 and 0 or 170)
        end)
        assert(coroutine.resume(co))
        local ok, message = coroutine.close(co)
        assert(not ok and message == 134)
    end
end

do  -- names of fields without end, reading a table from outside by a comparison, the lines of divisions
    local self = setmetatable({}, { __index = function(t) return t end })
    assert(not load("return (...)" .. (".a"):rep(100000) .. " + 1"))
    assert(not pcall(load("return (...)" .. (".a"):rep(190) .. " + 1"), self))
    local t = { [true] = 10 }
    local function get(a, b) return t[a < b] end
    assert(get(1, 2) == 10 and get(2, 1) == nil)
    local _, message = pcall(load("local a = 0\nlocal b = 1\nlocal c = b % a", "=lines"))
    assert(message:find("^lines:3:"), message)
end

do  -- constants in bitwise operations: a wrong value may be, a wrong access not
    local code = { "local x = {" }
    for i = 1, 257 do code[#code + 1] = i .. ".1," end
    code[#code + 1] = "};"
    code = table.concat(code)
    for _, operation in ipairs { "1 ~ (2 or 3)", "1 | (2 or 3)", "1 + (2 or 3)", "1 << (2 or 3)" } do
        pcall(load(code .. "return " .. operation))
    end
end

do  -- utf8.codes
    for _, bad in ipairs { "ab\xff", "\xbfinvalid", "a\x80b", "\u{400}\x80", "\xC0\x80", "\u{D800}" } do
        assert(not pcall(function() for _ in utf8.codes(bad) do end end), bad)
    end
    local codes = {}
    for _, c in utf8.codes("aé€😀\0") do codes[#codes + 1] = c end
    assert(#codes == 5 and utf8.char(table.unpack(codes)) == "aé€😀\0")
end

do  -- an error in error handling with the memory used up
    local hoard = {}
    for room = 0, 400, 16 do
        local co = coroutine.create(function()
            local x <close> = setmetatable({}, { __close = function()
                local function overflow() return xpcall(overflow, overflow) end
                overflow()
                local function stack() return 1 + stack() end
                xpcall(stack, stack)
            end })
            coroutine.yield()
        end)
        coroutine.resume(co)
        limit(room)
        coroutine.close(co)
        limit()
    end
end

-- Refused memory at every allocation of many operations.
local operations = {
    function() return ("x"):rep(300) end,
    function() local t = {} for i = 1, 40 do t[i] = { i } end return t end,
    function() return ("abc"):gsub(".", "%0%0%0") end,
    function() return ("a b c"):gsub("%w", function(c) return c:rep(20) end) end,
    function() return table.concat({ 1, 2, 3, ("x"):rep(200) }, "-") end,
    function() return coroutine.wrap(function() coroutine.yield(1) return 2 end)() end,
    function() return load("local a, b = 1, {} return function() return a, b end")() end,
    function() return string.format("%s %d %5.2f", "x", 3, 2.5) end,
    function() return decode('{"a": [1, 2, {"b": null}], "c": "text"}') end,
    function() return encode({ a = { 1, 2, 3 }, b = "text" }) end,
    function() return copy({ a = { 1, 2, 3 }, b = { c = {} } }) end,
    function() local x <close> = setmetatable({}, { __close = function() return ("y"):rep(99) end }) return x end,
    function() return xpcall(error, function(m) return m .. ("!"):rep(50) end, "m") end,
    function() return select("#", table.unpack({}, 1, 300)) end,
    function() local t = setmetatable({}, { __newindex = {} }) for i = 1, 20 do t["k" .. i] = i end end,
}
for _, operation in ipairs(operations) do
    for room = 0, 1200, 24 do
        limit(room)
        pcall(operation)
        limit()
        pcall(operation)
    end
end
