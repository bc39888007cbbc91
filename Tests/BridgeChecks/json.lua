-- Documents at random, and the same with bytes changed, through the reader, the writer and the copier.

local function pick(n) return random() % n + 1 end
local texts = { "", "a", "é€😀", '\\"', "\\u0041", "\\ud83d\\ude00", "\\ud800", "\0", "\x01", "\xff", ("x"):rep(70), "\\n\\t", "/" }
local numbers = { "0", "-0", "1", "-1", "1.5", "1e9", "1e999", "-1e-999", "9223372036854775807", "9223372036854775808",
    "18446744073709551616", "0.1", "123456789012345678901234567890", "01", "1.", ".5", "-", "1e" }

local function document(depth)
    local kind = pick(depth > 5 and 5 or 7)
    if kind == 1 then return numbers[pick(#numbers)] end
    if kind == 2 then return '"' .. texts[pick(#texts)] .. '"' end
    if kind == 3 then return ({ "true", "false", "null", "nul", "tru" })[pick(5)] end
    if kind == 4 then return "[]" end
    if kind == 5 then return "{}" end
    local parts = {}
    for i = 1, pick(6) do
        parts[i] = (kind == 6 and "" or '"' .. texts[pick(#texts)] .. '":') .. document(depth + 1)
    end
    return (kind == 6 and "[" or "{") .. table.concat(parts, pick(3) == 1 and " , " or ",") .. (kind == 6 and "]" or "}")
end

for i = 1, 1500 do
    local text = document(0)
    for change = 0, 2 do
        if change > 0 and #text > 0 then
            local at = pick(#text)
            text = text:sub(1, at - 1) .. string.char(random() % 256) .. text:sub(at + pick(2))
        end
        for _, exact in ipairs { false, true } do
            local ok, value = pcall(decode, text, exact)
            if ok then
                show(value)
                local kept, same = pcall(encode, value, true)
                if kept then assert(encode(decode(same)) == encode(value)) end
                local written, again = pcall(encode, value)
                if written then
                    assert(encode(decode(again)) == again, again)
                    pcall(copy, value)
                end
            end
        end
    end
end

-- The same beyond the length that simdjson reads, and numbers that keep their text while the script sets others.
local long = '"' .. ("x"):rep(300000) .. '"'
for i = 1, 40 do
    local text = "[" .. long .. "," .. document(2) .. ',{"price":6.30,"id":12345678901234567890,"list":[1e2,-0,1.10]}]'
    local ok, value = pcall(decode, text, i % 2 == 0)
    if ok then
        local last = value[3]
        assert(encode(last) == '{"id":12345678901234567890,"list":[1e2,-0,1.10],"price":6.30}')
        last.price, last.list[1 + i % 3], last.id = i, nil, { last.id }
        pcall(encode, value)
        assert(encode(last.price) == tostring(i))
    end
end

-- Members of any number are in order.
for _, count in ipairs { 2, 16, 17, 64, 65, 1000 } do
    local object = {}
    for _ = 1, count do object[("k"):rep(random() % 12) .. random() % (4 * count)] = { b = 1, a = 2 } end
    local before = ""
    for key in encode(object):gmatch '"(k*%d+)":{"a":2,"b":1}' do
        assert(before < key)
        before = key
    end
end

for _, depth in ipairs { 1, 126, 127, 128, 129, 1000, 100000 } do
    pcall(decode, ("["):rep(depth) .. ("]"):rep(depth))
    pcall(decode, ('{"a":'):rep(depth) .. "1" .. ("}"):rep(depth))
    pcall(decode, ("["):rep(depth))
    local t = {}
    local at = t
    for _ = 1, depth do at.a = {} at = at.a end
    pcall(encode, t)
    pcall(copy, t)
    show(t)
end
local cycle = {}
cycle[1] = cycle
assert(not pcall(encode, cycle))
copy(cycle)
show(cycle)

-- Tables of every kind, as log lines show them.
local keys = { "a", "b\xff", "", ("k"):rep(300), 1, 2, 3, -5, 2.5, 1 / 0, true, print, {}, 1 << 62 }
for _ = 1, 500 do
    local t = {}
    for _ = 1, pick(80) do
        local value = pick(4)
        t[pick(3) == 1 and pick(100) or keys[pick(#keys)]] =
            value == 1 and t or value == 2 and { [keys[pick(#keys)]] = print } or value == 3 and keys[pick(#keys)] or 0 / 0
    end
    show(t)
end

-- Arrays whose length their few fields make up.
local fields = {}
for i = 0, 62 do fields[#fields + 1] = ("[1 << %d] = true"):format(i) end
for count = 1, #fields, 6 do
    local made = load("return { " .. table.concat(fields, ", ", 1, count) .. " }")()
    pcall(encode, made)
    pcall(encode, array(made))
    pcall(copy, array(made))
    show(made)
end
for _, value in ipairs { print, coroutine.create(print), 0 / 0, 1 / 0, "\xff", setmetatable({}, {}) } do
    pcall(encode, value)
    pcall(encode, { value })
    pcall(copy, { value })
    pcall(show, value)
    pcall(encode, { [value == value and value or 1] = 1 })
end
