// Fields of tables that the host makes and reads, by names that are literals of the program: Lua finds the string of such
// a name by its address (the cache of `luaS_new`, lstring.c of Lua 5.4), where others are hashed and compared.

#include "bridge.h"

#include <string.h>

int lb_get_field(lua_State *L, int table, const char *name) {
    table = lua_absindex(L, table);
    lua_pushstring(L, name);
    return lua_rawget(L, table);
}

void lb_set_field(lua_State *L, int table, const char *name) {
    table = lua_absindex(L, table);
    lua_pushstring(L, name);
    lua_rotate(L, -2, 1);
    lua_rawset(L, table);
}

void lb_put_value(lua_State *L, const char *name) {
    lua_setfield(L, -2, name);
}

void lb_put_integer(lua_State *L, const char *name, long long value) {
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

void lb_put_boolean(lua_State *L, const char *name, bool value) {
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

void lb_put_bytes(lua_State *L, const char *name, const char *bytes, size_t length) {
    lua_pushlstring(L, bytes, length);
    lua_setfield(L, -2, name);
}

bool lb_move_field(lua_State *L, int table, const char *name, enum lb_kind kind) {
    table = lua_absindex(L, table);
    lua_pushstring(L, name);
    int type = lua_rawget(L, table);
    bool is_of_kind = kind == LB_STRING ? type == LUA_TSTRING : type == LUA_TTABLE && !lb_is_array(L, -1);
    if (is_of_kind) {
        lua_setfield(L, -2, name);
    } else {
        lua_settop(L, -2);
    }
    return is_of_kind;
}

/// Which of the names the key on top of the stack, below its value, is; `count`: none.
static int known_name(lua_State *L, const char *const *names, int count) {
    if (lua_type(L, -2) != LUA_TSTRING) {
        return count;
    }
    size_t length;
    const char *key = lua_tolstring(L, -2, &length);
    int name = 0;
    while (name < count && (strcmp(names[name], key) != 0 || strlen(names[name]) != length)) {
        name++;
    }
    return name;
}

int64_t lb_push_fields(lua_State *L, int table, const char *const *names, int count) {
    table = lua_absindex(L, table);
    int top = lua_gettop(L);
    lua_settop(L, top + count);
    int64_t present = 0;
    lua_pushnil(L);
    while (lua_next(L, table)) {
        int name = known_name(L, names, count);
        if (name == count) {
            lua_settop(L, top);
            return LB_OTHER_FIELDS;
        }
        present |= INT64_C(1) << name;
        lua_copy(L, -1, top + 1 + name);
        lua_settop(L, -2);
    }
    return present;
}
