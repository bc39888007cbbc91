// The globals: who may read one that is not there, and `_G`.

#include "bridge.h"

#include <CNames.h>
#include <string.h>

// MARK: - Undefined globals

/// Bytes of a name that a message shows.
#define LONGEST_SHOWN 400

/// Whether a folder of this name is on the way to a file.
static bool passes(const char *path, const char *folder) {
    size_t length = strlen(folder);
    for (const char *part = path; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, folder, length) == 0 && part[length] == '/') {
            return true;
        }
    }
    return false;
}

bool lb_reads_strictly(lua_State *L) {
    lua_Debug frame;
    for (int level = 1; lua_getstack(L, level, &frame); level++) {
        lua_getinfo(L, "S", &frame);
        // pcall and the like stand between.
        if (*frame.what != 'C') {
            return *frame.source == '@' && !passes(frame.source + 1, "lib") && !passes(frame.source + 1, "lua_modules");
        }
    }
    return false;
}

static int undefined_global(lua_State *L) {
    if (lua_type(L, 2) != LUA_TSTRING || !lb_reads_strictly(L)) {
        lua_settop(L, 2);
        lua_rawgeti(L, LUA_REGISTRYINDEX, lb_host_at(L)->library_globals);
        lua_insert(L, 2);
        lua_rawget(L, 2);
        return 1;
    }
    size_t length;
    const char *name = lua_tolstring(L, 2, &length);
    const char *advice = lb_advice_on_global(name);
    if (advice != NULL) {
        return luaL_error(L, "undefined global '%s' (%s)", name, advice);
    }
    const char *closest = NULL;
    // Less than among names of one kind: there are many globals, of which several resemble any short name.
    size_t reach = length < 3 ? 0 : length < 6 ? 1 : 2;
    if (length <= CN_LONGEST) {
        for (lua_pushnil(L); lua_next(L, 1) != 0; lua_settop(L, -2)) {
            lb_charge(L, lb_host_at(L), 100);
            size_t other_length = 0;
            const char *other = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &other_length) : NULL;
            if (other == NULL) {
                continue;
            }
            size_t edits = cn_distance(name, length, other, other_length, reach);
            if (edits < reach || (edits == reach && (closest == NULL || strcmp(other, closest) < 0))) {
                reach = edits;
                closest = other;
            }
        }
    }
    if (closest != NULL) {
        return luaL_error(L, "undefined global '%s' (did you mean '%s'?)", name, closest);
    }
    if (length > LONGEST_SHOWN) {
        name = lua_pushlstring(L, name, LONGEST_SHOWN);
        name = lua_pushfstring(L, "%s…", name);
    }
    return luaL_error(L, "undefined global '%s'", name);
}

// MARK: - _G

// Reading an undefined global raises in an agent's own files: the globals have a metatable that says so. `_G` is another
// table, which reads and writes the globals and answers nil for what is not there. So a global that is there costs what it
// costs in plain Lua. What looks past metatables takes the one table for the other.

static void push_globals(lua_State *L) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

/// Puts the globals in the place of `_G` as the first argument.
static void resolve_globals(lua_State *L) {
    if (lua_topointer(L, 1) == lb_host_at(L)->globals_view) {
        push_globals(L);
        lua_replace(L, 1);
    }
}

static int view_index(lua_State *L) {
    lua_settop(L, 2);
    push_globals(L);
    lua_insert(L, 2);
    lua_rawget(L, 2);
    return 1;
}

static int view_newindex(lua_State *L) {
    lua_settop(L, 3);
    push_globals(L);
    lua_replace(L, 1);
    luaL_argcheck(L, lua_type(L, 2) != LUA_TNIL, 2, "index is nil");
    lua_rawset(L, 1);
    return 0;
}

static int base_next(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    resolve_globals(L);
    lua_settop(L, 2);
    if (lua_next(L, 1)) {
        return 2;
    }
    lua_pushnil(L);
    return 1;
}

static int view_pairs(lua_State *L) {
    lua_pushcfunction(L, base_next);
    push_globals(L);
    lua_pushnil(L);
    return 3;
}

static int base_rawget(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    resolve_globals(L);
    lua_settop(L, 2);
    lua_rawget(L, 1);
    return 1;
}

static int base_rawset(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    lua_pushvalue(L, 1);
    lua_insert(L, 1);
    // The table that was given is the result; the one to set comes above it.
    if (lua_topointer(L, 2) == lb_host_at(L)->globals_view) {
        push_globals(L);
        lua_replace(L, 2);
    }
    lua_rawset(L, 2);
    lua_settop(L, 1);
    return 1;
}

static void make_view(lua_State *L) {
    static const luaL_Reg metamethods[] = {
        {"__index", view_index}, {"__newindex", view_newindex}, {"__pairs", view_pairs}, {NULL, NULL}};
    lua_createtable(L, 0, 0);
    lb_host_at(L)->globals_view = lua_topointer(L, -1);
    lua_createtable(L, 0, 4);
    luaL_setfuncs(L, metamethods, 0);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    // Registry: the address stays this table's, whatever a script makes of the global.
    lua_pushvalue(L, -1);
    luaL_ref(L, LUA_REGISTRYINDEX);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, LUA_GNAME);
    lua_settop(L, -2);
    lua_setglobal(L, LUA_GNAME);
}

// MARK: - Opening

static const luaL_Reg raw_functions[] = {
    {"next", base_next}, {"rawget", base_rawget}, {"rawset", base_rawset}, {NULL, NULL}};

void lb_set_library_global(lua_State *L, const char *name) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, lb_host_at(L)->library_globals);
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
    lua_settop(L, -2);
}

void lb_open_globals(lua_State *L) {
    lua_createtable(L, 0, 1);
    lb_host_at(L)->library_globals = luaL_ref(L, LUA_REGISTRYINDEX);
    push_globals(L);
    luaL_setfuncs(L, raw_functions, 0);
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, undefined_global);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_settop(L, -2);
    make_view(L);
}
