// The base library's functions that must know of budgets, memory and finalizers; the rest is Lua's own.

#include "bridge.h"

#include <string.h>

// MARK: - Protected calls

/// A protected call cannot keep a spent budget from ending the slice, and names the place of a memory error.
static int finish_protected_call(lua_State *L, int status, lua_KContext extra) {
    if (status == LUA_OK || status == LUA_YIELD) {
        return lua_gettop(L) - (int)extra;
    }
    lb_host *host = lb_host_at(L);
    if (host->spent) {
        lb_charge_slowly(L, host, 0);
    }
    lb_name_memory_error(L, host, status);
    if (status == LUA_ERRERR) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

static int base_pcall(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushcfunction(L, lb_explain_overflow);
    lua_pushboolean(L, 1);
    lua_rotate(L, 1, 2);
    int status = lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 1, 1, finish_protected_call);
    return finish_protected_call(L, status, 1);
}

/// Message handlers run inside the hook that raised, where no further hook comes: they are not run for a spent budget.
static int guard_handler(lua_State *L) {
    if (lb_host_at(L)->spent) {
        return 1;
    }
    lb_explain_overflow(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

static int base_xpcall(lua_State *L) {
    int count = lua_gettop(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, guard_handler, 1);
    lua_replace(L, 2);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2);
    int status = lua_pcallk(L, count - 2, LUA_MULTRET, 2, 2, finish_protected_call);
    return finish_protected_call(L, status, 2);
}

// MARK: - Compiling

/// The stack slot, above load's four arguments, that keeps the piece a reader function returned.
#define PIECE_SLOT 5

static const char *read_from_function(lua_State *L, void *context, size_t *size) {
    (void)context;
    luaL_checkstack(L, 2, "too many nested functions");
    lua_pushvalue(L, 1);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1)) {
        lua_settop(L, -2);
        *size = 0;
        return NULL;
    }
    if (!lua_isstring(L, -1)) {
        luaL_error(L, "reader function must return a string");
    }
    lua_replace(L, PIECE_SLOT);
    return lua_tolstring(L, PIECE_SLOT, size);
}

static int base_load(lua_State *L) {
    lb_host *host = lb_host_at(L);
    const char *mode = luaL_optstring(L, 3, "bt");
    int environment = lua_isnone(L, 4) ? 0 : 4;
    if (strchr(mode, 't') == NULL) {
        luaL_pushfail(L);
        lua_pushfstring(L, "attempt to load a text chunk (mode is '%s')", mode);
        return 2;
    }
    int status;
    size_t length;
    const char *text = lua_tolstring(L, 1, &length);
    if (text != NULL) {
        status = lb_load_text(L, text, length, luaL_optstring(L, 2, text));
    } else {
        const char *name = luaL_optstring(L, 2, "=(load)");
        luaL_checktype(L, 1, LUA_TFUNCTION);
        lua_settop(L, PIECE_SLOT);
        status = lb_load(L, read_from_function, NULL, name);
    }
    if (status == LUA_OK) {
        if (environment != 0) {
            lua_pushvalue(L, environment);
            if (lua_setupvalue(L, -2, 1) == NULL) {
                lua_settop(L, -2);
            }
        }
        return 1;
    }
    if (host->spent) {
        lb_charge_slowly(L, host, 0);
    }
    lb_name_memory_error(L, host, status);
    luaL_pushfail(L);
    lua_insert(L, -2);
    return 2;
}

// MARK: - Metatables and memory

static int base_setmetatable(lua_State *L) {
    int kind = lua_type(L, 2);
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, kind == LUA_TNIL || kind == LUA_TTABLE, 2, "nil or table");
    if (!lb_is_array(L, 1) && luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) {
        return luaL_error(L, "cannot change a protected metatable");
    }
    lua_settop(L, 2);
    if (kind == LUA_TTABLE) {
        // Lua looks for a finalizer only here; it would run without hooks, where no budget reaches.
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL) {
            return luaL_error(L, "'__gc' cannot be used in an agent");
        }
        lua_settop(L, 2);
    }
    lua_setmetatable(L, 1);
    return 1;
}

/// Steps of the collector until its cycle ends. The clock is looked at between them: each does a bounded piece of work.
static void finish_cycle(lua_State *L, lb_host *host) {
    while (lua_gc(L, LUA_GCSTEP, 0) == 0) {
        lb_charge(L, host, 5000);
    }
}

/// What libraries call works; how the collector runs stays the host's to say.
static int base_collectgarbage(lua_State *L) {
    static const char *const options[] = {"collect",     "count",      "step",     "isrunning",  "stop", "restart",
                                          "incremental", "generational", "setpause", "setstepmul", NULL};
    lb_host *host = lb_host_at(L);
    switch (luaL_checkoption(L, 1, "collect", options)) {
    case 0:
        // The cycle under way may have passed what is garbage now: the next one has not.
        finish_cycle(L, host);
        finish_cycle(L, host);
        lua_pushinteger(L, 0);
        break;
    case 1:
        lua_pushnumber(L, (lua_Number)host->used / 1024);
        break;
    case 2:
        lb_charge(L, host, 5000);
        lua_pushboolean(L, lua_gc(L, LUA_GCSTEP, 0));
        break;
    case 3:
        lua_pushboolean(L, 1);
        break;
    case 6:
    case 7:
        lua_pushliteral(L, "incremental");
        break;
    case 8:
        lua_pushinteger(L, 200);
        break;
    case 9:
        lua_pushinteger(L, 100);
        break;
    default:
        lua_pushinteger(L, 0);
    }
    return 1;
}

// MARK: - Loops

/// Lua's own begins with nil too, and fails in its iterator, which has no name. The iterator is an upvalue.
static int base_ipairs(lua_State *L) {
    luaL_checkany(L, 1);
    luaL_argexpected(L, !lua_isnil(L, 1), 1, "table");
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

/// Of the base library on top of the stack.
static void mend_ipairs(lua_State *L) {
    lua_getfield(L, -1, "ipairs");
    lua_createtable(L, 0, 0);
    lua_call(L, 1, 1);
    lua_pushcclosure(L, base_ipairs, 1);
    lua_setfield(L, -2, "ipairs");
}

// MARK: - Opening

static const luaL_Reg functions[] = {
    {"collectgarbage", base_collectgarbage},
    {"load", base_load},
    {"pcall", base_pcall},
    {"setmetatable", base_setmetatable},
    {"xpcall", base_xpcall},
    {NULL, NULL},
};

static const char *const removed[] = {"dofile", "loadfile", "print", "warn", NULL};

void lb_open_base_library(lua_State *L) {
    luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
    luaL_setfuncs(L, functions, 0);
    mend_ipairs(L);
    for (int i = 0; removed[i] != NULL; i++) {
        lua_pushnil(L);
        lua_setfield(L, -2, removed[i]);
    }
    lua_settop(L, -2);
    lb_open_globals(L);
}
