// What Lua 5.4's headers offer only as macros, as functions that Swift can call.
#pragma once

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

static inline int clua_registry_index(void) {
    return LUA_REGISTRYINDEX;
}

static inline void clua_pop(lua_State *L, int count) {
    lua_settop(L, -count - 1);
}

static inline void clua_insert(lua_State *L, int index) {
    lua_rotate(L, index, 1);
}

static inline void clua_remove(lua_State *L, int index) {
    lua_rotate(L, index, -1);
    lua_settop(L, -2);
}

static inline void clua_replace(lua_State *L, int index) {
    lua_copy(L, -1, index);
    lua_settop(L, -2);
}

/// The bytes of a string, or NULL for any other type: numbers are not converted in place.
static inline const char *clua_string(lua_State *L, int index, size_t *length) {
    return lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, length) : NULL;
}
