-- JSON → Lua → JSON with lua-cjson, as bridge_loop.c does it with the host's own.
--
--   lua5.4 cjson_loop.lua DOCUMENT HANDLER COUNT
--
-- DOCUMENT and HANDLER are files; the latter returns a function that gets the decoded value and returns what is encoded.
-- Prints the last result, then the processor time in nanoseconds of each turn.
local cjson = require "cjson"
local document_path, handler_path, count = arg[1], arg[2], math.tointeger(arg[3])
local document = assert(io.open(document_path)):read "a"
local handler = dofile(handler_path)
local decode, encode, result = cjson.decode, cjson.encode, nil
local began = os.clock()
for _ = 1, count do result = encode(handler(decode(document))) end
local used = os.clock() - began
print(result)
print(string.format("%.1f", used / count * 1e9))
