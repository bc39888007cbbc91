// A state's life: the sandbox is what is opened here, and nothing else.

#include "bridge.h"

#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <string.h>

// MARK: - The sandbox

/// The environment holds secrets.
static int no_variable(lua_State *L) {
    luaL_checkstring(L, 1);
    luaL_pushfail(L);
    return 1;
}

static void open_os_library(lua_State *L) {
    luaL_requiref(L, LUA_OSLIBNAME, luaopen_os, 0);
    lb_charge_os_library(L);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, no_variable);
    lua_setfield(L, -2, "getenv");
    lb_refuse_absent_functions(L, LUA_OSLIBNAME, "an agent has os.time, os.date, os.clock and os.difftime");
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
    lb_charge_string_metatable(L);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_settop(L, -3);
}

/// Lua 5.4.4 makes this text where it cannot raise: with the memory used up that would end the process. A string that
/// exists is not made again.
static void keep_messages(lua_State *L) {
    lua_pushliteral(L, "error in error handling");
    luaL_ref(L, LUA_REGISTRYINDEX);
}

static int open_sandbox(lua_State *L) {
    lb_open_base_library(L);
    lb_open_coroutine_library(L);
    lb_open_table_library(L);
    lb_open_string_library(L);
    luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
    lb_charge_library(L);
    luaL_requiref(L, LUA_UTF8LIBNAME, luaopen_utf8, 1);
    lb_mend_utf8_library(L);
    lb_charge_utf8_library(L);
    lua_pushglobaltable(L);
    lb_charge_base_library(L);
    lua_getglobal(L, LUA_STRLIBNAME);
    lb_charge_string_library(L);
    lua_getglobal(L, LUA_TABLIBNAME);
    lb_charge_table_library(L);
    lua_settop(L, 0);
    open_os_library(L);
    lb_open_debug_library(L);
    lb_open_package_library(L);
    make_metatables(L, lb_host_at(L));
    keep_messages(L);
    return 0;
}

// MARK: - Life

lb_host *lb_open(size_t memory_limit, lb_call call, void *owner) {
    lb_host *host = calloc(1, sizeof *host);
    if (host == NULL) {
        return NULL;
    }
    host->limit = memory_limit;
    host->largest_class = -1;
    host->call = call;
    host->owner = owner;
    lua_State *L = lua_newstate(lb_allocate, host);
    if (L == NULL) {
        lb_pool_close(&host->pool);
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
    lb_free_held(host);
    lb_pool_close(&host->pool);
    free(host->released);
    free(host->traceback);
    free(host->nodes);
    lb_buffer_free(&host->global_writes);
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
    if (!host->broken) {
        lua_gc(host->main, LUA_GCCOLLECT);
#ifdef __GLIBC__
        // What small blocks took stays the process's otherwise, and large ones come on top of it. The allocator that the
        // program is linked with gives back by itself, and this does nothing there.
        malloc_trim(0);
#endif
    }
}

// MARK: - Compiling

enum lb_step lb_compile(lua_State *L, const char *source, size_t length, const char *chunk_name, int64_t budget) {
    lb_host *host = lb_host_at(L);
    bool was = host->in_vm;
    lb_begin_slice(host, budget, false);
    host->in_vm = true;
    int status = lb_load_text(L, source, length, chunk_name);
    host->in_vm = was;
    enum lb_step step = LB_FAILED_RUNTIME;
    if (status == LUA_OK) {
        step = LB_RETURNED;
    } else if (host->spent) {
        step = LB_FAILED_BUDGET;
    } else if (status == LUA_ERRMEM) {
        lb_name_memory_error(L, host, status);
        step = LB_FAILED_MEMORY;
    }
    lb_end_slice(host);
    return step;
}
