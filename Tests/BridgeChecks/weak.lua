-- A table that only a weak metatable holds, collected by the assignment through it. The script is ended for good, so
-- this is run often, each time with another table.

local size, kind, room = random() % 70, random() % 3 + 1, random() % 6 * 50
local function make(n, kind)
    local metatable, through = {}, {}
    for i = 1, n do
        if kind ~= 2 then through["k" .. i] = {} end
        if kind ~= 1 then through[i] = i end
    end
    metatable.__newindex = through
    setmetatable(metatable, { __mode = "v" })
    return setmetatable({}, metatable)
end
local function wipe(...) local a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p = 1 return select("#", ...) end
local function deep(n) if n > 0 then return 1 + deep(n - 1) end return 0 end
local function set(t, n) for i = n + 1, n + 20 do t[i] = 1 end t.x = 1 t.y = 1 t.z = 1 end
local none = {}
deep(40)
local t = make(size, kind)
wipe(table.unpack(none, 1, 100))
limit(room)
set(t, size)
limit()
