// A state's life: the sandbox is what is opened here, and nothing else.

#include "bridge.h"

#include <stdlib.h>
#include <string.h>

// MARK: - Functions of Lua's own that take time in proportion to a string

static int call_charged(lua_State *L) {
    size_t bytes = 0;
    for (int i = lua_gettop(L); i > 0; i--) {
        if (lua_type(L, i) == LUA_TSTRING) {
            bytes += lua_rawlen(L, i);
        }
    }
    lb_charge(L, lb_host_at(L), bytes / 8);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

static void charge_functions(lua_State *L, const char *library, const char *const *names) {
    lua_getglobal(L, library);
    for (; *names != NULL; names++) {
        lua_getfield(L, -1, *names);
        lua_pushcclosure(L, call_charged, 1);
        lua_setfield(L, -2, *names);
    }
    lua_settop(L, -2);
}

// MARK: - The sandbox

static const char *const charged_string_functions[] = {
    "byte", "format", "lower", "pack", "reverse", "unpack", "upper", NULL,
};
static const char *const charged_utf8_functions[] = {"codepoint", "len", "offset", NULL};
static const char *const kept_os_functions[] = {"clock", "date", "difftime", "time", NULL};

static void open_os_library(lua_State *L) {
    luaL_requiref(L, LUA_OSLIBNAME, luaopen_os, 0);
    lua_createtable(L, 0, 4);
    for (int i = 0; kept_os_functions[i] != NULL; i++) {
        lua_getfield(L, -2, kept_os_functions[i]);
        lua_setfield(L, -2, kept_os_functions[i]);
    }
    lua_pushvalue(L, -1);
    lua_setglobal(L, LUA_OSLIBNAME);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_insert(L, -2);
    lua_setfield(L, -2, LUA_OSLIBNAME);
    lua_settop(L, -3);
}

static int show_null(lua_State *L) {
    lua_pushstring(L, lua_touserdata(L, 1) == NULL ? "null" : "userdata");
    return 1;
}

static void make_metatables(lua_State *L, lb_host *host) {
    // Every light userdata shares one metatable; the only one that scripts see is agenthost.null.
    lua_pushlightuserdata(L, NULL);
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, show_null);
    lua_setfield(L, -2, "__tostring");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_settop(L, -2);

    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "array");
    lua_setfield(L, -2, "__metatable");
    host->array_metatable = luaL_ref(L, LUA_REGISTRYINDEX);

    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_settop(L, -3);
}

static int open_sandbox(lua_State *L) {
    lb_open_base_library(L);
    lb_open_coroutine_library(L);
    lb_open_table_library(L);
    lb_open_string_library(L);
    luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
    luaL_requiref(L, LUA_UTF8LIBNAME, luaopen_utf8, 1);
    lua_settop(L, 0);
    open_os_library(L);
    charge_functions(L, LUA_STRLIBNAME, charged_string_functions);
    charge_functions(L, LUA_UTF8LIBNAME, charged_utf8_functions);
    make_metatables(L, lb_host_at(L));
    return 0;
}

// MARK: - Life

lb_host *lb_open(size_t memory_limit, lb_call call, void *owner) {
    lb_host *host = calloc(1, sizeof *host);
    if (host == NULL) {
        return NULL;
    }
    host->limit = memory_limit;
    host->call = call;
    host->owner = owner;
    lua_State *L = lua_newstate(lb_allocate, host);
    if (L == NULL) {
        free(host);
        return NULL;
    }
    host->main = L;
    *(lb_host **)lua_getextraspace(L) = host;
    lua_sethook(L, lb_hook, LUA_MASKCOUNT, lb_hook_interval(host));
    lua_pushcfunction(L, open_sandbox);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK || !lua_checkstack(L, 256)) {
        lb_close(host);
        return NULL;
    }
    return host;
}

void lb_close(lb_host *host) {
    lua_close(host->main);
    lb_json_close(host);
    free(host->released);
    free(host->traceback);
    free(host);
}

lua_State *lb_main_thread(lb_host *host) {
    return host->main;
}

lb_host *lb_host_of(lua_State *L) {
    return lb_host_at(L);
}

void *lb_owner(lb_host *host) {
    return host->owner;
}

size_t lb_memory_in_use(lb_host *host) {
    return host->used;
}

void lb_collect(lb_host *host) {
    lua_gc(host->main, LUA_GCCOLLECT);
}

enum lb_step lb_compile(lua_State *L, const char *source, size_t length, const char *chunk_name) {
    lb_host *host = lb_host_at(L);
    bool was = host->in_vm;
    host->in_vm = true;
    int status = luaL_loadbufferx(L, source, length, chunk_name, "t");
    host->in_vm = was;
    if (status == LUA_OK) {
        return LB_RETURNED;
    }
    if (status == LUA_ERRMEM) {
        host->refused_where[0] = 0;
        lb_name_memory_error(L, host, status);
        return LB_FAILED_MEMORY;
    }
    return LB_FAILED_RUNTIME;
}
