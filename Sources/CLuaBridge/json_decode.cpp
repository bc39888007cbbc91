// JSON documents to Lua values: simdjson for what it accepts, the scanner of json_scan.cpp for everything else.
//
// simdjson refuses integers past 64 bits and says of an error only what it is; the scanner reads such numbers as floats
// and finds the place of an error.

#include "bridge.h"

#include <cstring>
#include <memory>
#include <new>
#include <simdjson.h>
#include <string>

namespace {

/// Input buffers and parsers that have grown past this many bytes are not kept.
constexpr size_t kept_capacity = 1 << 20;

struct Decoder {
    simdjson::dom::parser parser;
    std::unique_ptr<char[]> input;
    size_t capacity = 0;

    bool reserve(size_t length) {
        size_t wanted = length + simdjson::SIMDJSON_PADDING;
        if (wanted > capacity) {
            wanted = wanted < 4096 ? 4096 : wanted + wanted / 2;
            input.reset(new (std::nothrow) char[wanted]);
            capacity = input ? wanted : 0;
        }
        return input != nullptr;
    }
};

void push(lua_State *L, simdjson::dom::element element, int array_metatable) {
    using simdjson::dom::element_type;
    switch (element.type()) {
    case element_type::ARRAY: {
        simdjson::dom::array array(element.get_array().value_unsafe());
        lua_checkstack(L, 8);
        lua_createtable(L, static_cast<int>(array.size()), 0);
        lua_Integer index = 0;
        for (simdjson::dom::element item : array) {
            push(L, item, array_metatable);
            lua_rawseti(L, -2, ++index);
        }
        lua_rawgeti(L, LUA_REGISTRYINDEX, array_metatable);
        lua_setmetatable(L, -2);
        break;
    }
    case element_type::OBJECT: {
        simdjson::dom::object object(element.get_object().value_unsafe());
        lua_checkstack(L, 8);
        lua_createtable(L, 0, static_cast<int>(object.size()));
        for (simdjson::dom::key_value_pair field : object) {
            lua_pushlstring(L, field.key.data(), field.key.size());
            push(L, field.value, array_metatable);
            lua_rawset(L, -3);
        }
        break;
    }
    case element_type::STRING: {
        std::string_view text = element.get_string().value_unsafe();
        lua_pushlstring(L, text.data(), text.size());
        break;
    }
    case element_type::INT64:
        lua_pushinteger(L, element.get_int64().value_unsafe());
        break;
    case element_type::UINT64:
        lua_pushnumber(L, static_cast<lua_Number>(element.get_uint64().value_unsafe()));
        break;
    case element_type::DOUBLE:
        lua_pushnumber(L, element.get_double().value_unsafe());
        break;
    case element_type::BOOL:
        lua_pushboolean(L, element.get_bool().value_unsafe());
        break;
    case element_type::NULL_VALUE:
        lua_pushlightuserdata(L, nullptr);
        break;
    }
}

/// Pushes the document's value; false when simdjson does not take it.
bool decode_fast(lua_State *L, lb_host *host, const char *bytes, size_t length) {
    auto *decoder = static_cast<Decoder *>(host->json);
    if (decoder == nullptr) {
        decoder = new (std::nothrow) Decoder;
        host->json = decoder;
    }
    if (decoder == nullptr || !decoder->reserve(length)) {
        return false;
    }
    if (decoder->parser.capacity() < length || decoder->parser.max_depth() != LB_JSON_DEPTH + 1) {
        size_t capacity = length < 4096 ? 4096 : length + length / 2;
        if (decoder->parser.allocate(capacity, LB_JSON_DEPTH + 1) != simdjson::SUCCESS) {
            return false;
        }
    }
    std::memcpy(decoder->input.get(), bytes, length);
    std::memset(decoder->input.get() + length, 0, simdjson::SIMDJSON_PADDING);
    simdjson::dom::element root;
    bool accepted = decoder->parser.parse(decoder->input.get(), length, false).get(root) == simdjson::SUCCESS;
    if (accepted) {
        push(L, root, host->array_metatable);
    }
    if (decoder->capacity > kept_capacity) {
        delete decoder;
        host->json = nullptr;
    }
    return accepted;
}

}  // namespace

bool lb_json_decode(lua_State *L, const char *bytes, size_t length, lb_json_error *error) {
    lb_host *host = lb_host_at(L);
    lua_checkstack(L, 8);
    if (length > 0 && decode_fast(L, host, bytes, length)) {
        return true;
    }
    return lb_json_decode_slowly(L, bytes, length, error);
}

void lb_json_close(lb_host *host) {
    delete static_cast<Decoder *>(host->json);
    host->json = nullptr;
}

bool lb_is_valid_utf8(const char *bytes, size_t length) {
    return simdjson::validate_utf8(bytes, length);
}
