// What Lua 5.4's headers offer only as macros, as functions that Swift can call.
#pragma once

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>
#include <string.h>

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

/// Whether the value is the string of these bytes.
static inline bool clua_is_string(lua_State *L, int index, const void *bytes, size_t length) {
    size_t found_length;
    const char *found = clua_string(L, index, &found_length);
    return found != NULL && found_length == length && memcmp(found, bytes, length) == 0;
}
