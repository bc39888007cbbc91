#include "json_numbers.h"

#include <CJSON/numbers.h>
#include <CJSON/text.h>
#include <cstring>

namespace lb_json {

namespace {

/// Begins the text of a number that was read as a string; no number begins with it.
constexpr char string_mark = '"';

void make_texts(lua_State *L, lb_host *host) {
    lua_createtable(L, 0, 0);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    host->number_texts = luaL_ref(L, LUA_REGISTRYINDEX);
}

/// Pushes the texts of one table, or nil.
void push_texts_of(lua_State *L, lb_host *host, int table) {
    push_texts(L, host);
    lua_pushvalue(L, table);
    lua_rawget(L, -2);
    lua_rotate(L, -2, -1);
    lua_settop(L, -2);
}

}  // namespace

void push_texts(lua_State *L, lb_host *host) {
    if (host->number_texts == 0) {
        lua_pushnil(L);
    } else {
        lua_rawgeti(L, LUA_REGISTRYINDEX, host->number_texts);
    }
}

void keep_text(lua_State *L, lb_host *host, int table, const NumberText &text) {
    int key = lua_gettop(L);
    table = lua_absindex(L, table);
    if (host->number_texts == 0) {
        make_texts(L, host);
    }
    push_texts_of(L, host, table);
    if (lua_type(L, -1) == LUA_TNIL) {
        lua_settop(L, key);
        lua_createtable(L, 0, 1);
        push_texts(L, host);
        lua_pushvalue(L, table);
        lua_pushvalue(L, key + 1);
        lua_rawset(L, -3);
        lua_settop(L, key + 1);
    }
    lua_pushvalue(L, key);
    lua_pushlstring(L, text.begin, static_cast<size_t>(text.end - text.begin));
    if (text.is_string) {
        lua_pushfstring(L, "%c%s", string_mark, lua_tostring(L, -1));
        lua_replace(L, -2);
    }
    lua_rawset(L, -3);
    lua_settop(L, key);
}

void drop_text(lua_State *L, lb_host *host, int table) {
    if (host->number_texts == 0) {
        return;
    }
    int key = lua_gettop(L);
    push_texts_of(L, host, lua_absindex(L, table));
    if (lua_type(L, -1) == LUA_TTABLE) {
        lua_pushvalue(L, key);
        lua_pushnil(L);
        lua_rawset(L, -3);
    }
    lua_settop(L, key);
}

const char *text_of(lua_State *L, int value, size_t *length) {
    const char *text = lua_tolstring(L, -1, length);
    bool is_string = *text == string_mark;
    text += is_string;
    *length -= is_string;
    if (is_string) {
        size_t size;
        const char *held = lua_type(L, value) == LUA_TSTRING ? lua_tolstring(L, value, &size) : nullptr;
        return held != nullptr && size == *length && std::memcmp(held, text, size) == 0 ? text : nullptr;
    }
    if (lua_type(L, value) != LUA_TNUMBER) {
        return nullptr;
    }
    bool integral = true;
    const char *end = json::number_end(text, text + *length, &integral);
    json::Number read;
    if (!json::read_number(text, end, integral, &read)) {
        return nullptr;
    }
    if (lua_isinteger(L, value)) {
        return read.is_integer && lua_tointeger(L, value) == read.integer ? text : nullptr;
    }
    lua_Number held = lua_tonumber(L, value);
    return !read.is_integer && std::memcmp(&held, &read.real, sizeof held) == 0 ? text : nullptr;
}

}  // namespace lb_json
