while true do end
----
while true do pcall(function() while true do end end) end
----
local function f() return f() end f()
----
local co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end
----
while true do coroutine.wrap(function() end)() end
----
(("a"):rep(40)):match(("a*"):rep(20) .. "b")
----
(("x"):rep(100000)):gsub("x*x*x*y", "")
----
(("a"):rep(200000)):find(("a"):rep(100000) .. "b", 1, true)
----
table.concat(setmetatable({}, { __len = function() return 1 << 40 end, __index = function() return "x" end }))
----
table.unpack(setmetatable({}, { __index = function() while true do end end }), 1, 100)
----
table.sort({ 3, 2, 1 }, function() while true do end end)
----
local t = {} while true do t[#t + 1] = ("x"):rep(1000) .. #t end
----
local s = "x" while true do s = s .. s end
----
local t = setmetatable({}, {}) getmetatable(t).__call = t t()
----
local m = {} m.__call = setmetatable({}, m) pcall(setmetatable({}, m))
----
while true do load(("x = 1 "):rep(2000)) end
----
load(function() return "x = 1 " end)
----
local x <close> = setmetatable({}, { __close = function() while true do end end })
----
error(setmetatable({}, { __tostring = function() while true do end end }))
----
xpcall(error, function() while true do end end)
----
while true do xpcall(error, function(m) return m end, {}) end
----
local t = {} for i = 1, 1 << 15 do t[i * ((1 << 18) - 1)] = true end
----
local t = setmetatable({}, { __index = function(t, k) return t[k + 1] end }) return t[1]
----
while true do call(function() while true do end end) end
----
while true do spawn(function() wait() end) end
----
while true do wait() end
----
while true do decode(("[1,2,{\"a\":null}],"):rep(1000)) end
----
local t = {} for i = 1, 20000 do t[i] = {} end while true do encode(t) copy(t) end
----
local co co = coroutine.create(function() local x <close> = setmetatable({}, { __close = function() while true do end end }) coroutine.yield() end) coroutine.resume(co) coroutine.close(co)
----
for i = 1, 1e9 do local co = coroutine.create(function() local x <close> = setmetatable({}, { __close = function() error("x") end }) wait() end) coroutine.resume(co) end
----
error(("x"):rep(5000000))
----
return table.unpack({}, 1, 999990)
----
local function f(...) return f(1, ...) end f()
----
goto a ::a:: goto a
