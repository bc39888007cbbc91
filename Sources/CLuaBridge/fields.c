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

int64_t lb_fields_present(lua_State *L, int table, const char *const *names, int count) {
    table = lua_absindex(L, table);
    int64_t present = 0;
    lua_pushnil(L);
    while (lua_next(L, table)) {
        lua_settop(L, -2);
        int name = count;
        if (lua_type(L, -1) == LUA_TSTRING) {
            size_t length;
            const char *key = lua_tolstring(L, -1, &length);
            for (name = 0; name < count; name++) {
                if (strlen(names[name]) == length && memcmp(names[name], key, length) == 0) {
                    break;
                }
            }
        }
        if (name == count) {
            lua_settop(L, -2);
            return LB_OTHER_FIELDS;
        }
        present |= INT64_C(1) << name;
    }
    return present;
}
