// Values that the host and scripts share: null, arrays, metatables, and how a value is shown.

#include "bridge.h"

#include <math.h>

void lb_push_null(lua_State *L) {
    lua_pushlightuserdata(L, NULL);
}

bool lb_is_null(lua_State *L, int index) {
    return lua_type(L, index) == LUA_TLIGHTUSERDATA && lua_touserdata(L, index) == NULL;
}

void lb_mark_array(lua_State *L, int index) {
    index = lua_absindex(L, index);
    if (lua_type(L, index) == LUA_TTABLE) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, lb_host_at(L)->array_metatable);
        lua_setmetatable(L, index);
    }
}

bool lb_is_array(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index)) {
        return false;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, lb_host_at(L)->array_metatable);
    bool same = lua_rawequal(L, -1, -2);
    lua_settop(L, -3);
    return same;
}

void lb_raw_set(lua_State *L, int index) {
    int kind = lua_type(L, -2);
    if (kind == LUA_TNIL || (kind == LUA_TNUMBER && !lua_isinteger(L, -2) && isnan(lua_tonumber(L, -2)))) {
        lua_settop(L, -3);
        return;
    }
    lua_rawset(L, index);
}

void lb_set_metatable(lua_State *L, int index) {
    index = lua_absindex(L, index);
    if (lua_type(L, -1) == LUA_TTABLE) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, -2) != LUA_TNIL) {
            lua_pushliteral(L, "__gc");
            lua_pushnil(L);
            lua_rawset(L, -4);
        }
        lua_settop(L, -2);
    }
    lua_setmetatable(L, index);
}

void lb_push_display(lua_State *L, int index) {
    index = lua_absindex(L, index);
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        lua_pushvalue(L, index);
        break;
    case LUA_TNUMBER:
        lua_pushvalue(L, index);
        lua_tolstring(L, -1, NULL);
        break;
    case LUA_TBOOLEAN:
        lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
        break;
    case LUA_TNIL:
    case LUA_TNONE:
        lua_pushliteral(L, "nil");
        break;
    default:
        if (lb_is_null(L, index)) {
            lua_pushliteral(L, "null");
        } else {
            lua_pushfstring(L, "%s: %p", luaL_typename(L, index), lua_topointer(L, index));
        }
    }
}
