// A state's life: the sandbox is what is opened here, and nothing else.

#include "bridge.h"

#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <string.h>

// MARK: - Functions of Lua's own, charged for their arguments

/// What a call costs per byte of its strings, in nanoseconds: every function that takes a number converts a string that
/// is given instead. 3 is what `tonumber` takes a byte, and more than copying does.
enum {
    CONVERTED = 3,
    /// string.pack and the like, a byte of their format.
    PACKED = 10,
    /// os.date: `%c`, two bytes, takes about 1 µs.
    DATED = 500,
};

/// Nanoseconds an argument.
#define ARGUMENT 40

static int call_charged(lua_State *L) {
    size_t bytes = 0;
    int count = lua_gettop(L);
    for (int i = count; i > 0; i--) {
        if (lua_type(L, i) == LUA_TSTRING) {
            bytes += lua_rawlen(L, i);
        }
    }
    size_t cost = bytes * (size_t)lua_tointeger(L, lua_upvalueindex(2)) + (size_t)count * ARGUMENT;
    lb_charge(L, lb_host_at(L), cost / 10);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/// string.sub, string.byte and utf8.codepoint look at a place of the string only, the others at most at all of it.
static int call_charged_rest(lua_State *L) {
    size_t bytes = 0;
    for (int i = lua_gettop(L); i > 1; i--) {
        if (lua_type(L, i) == LUA_TSTRING) {
            bytes += lua_rawlen(L, i);
        }
    }
    lb_charge(L, lb_host_at(L), 4 + bytes * CONVERTED / 10);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/// utf8.len(s, i, j) looks at the bytes from i to j.
static int call_charged_span(lua_State *L) {
    size_t length = lua_type(L, 1) == LUA_TSTRING ? lua_rawlen(L, 1) : 0;
    lua_Integer first = lua_isinteger(L, 2) ? lua_tointeger(L, 2) : 1;
    lua_Integer last = lua_isinteger(L, 3) ? lua_tointeger(L, 3) : -1;
    size_t begin = first < 0 ? (-first > (lua_Integer)length ? 0 : length - (size_t)-first) : (size_t)first;
    size_t end = last < 0 ? (-last > (lua_Integer)length ? 0 : length - (size_t)-last) : (size_t)last;
    end = end < length ? end : length;
    lb_charge(L, lb_host_at(L), end > begin ? (end - begin) * CONVERTED / 10 : 0);
    return call_charged_rest(L);
}

/// utf8.offset(s, n, i) goes over n characters.
static int call_charged_steps(lua_State *L) {
    size_t length = lua_type(L, 1) == LUA_TSTRING ? lua_rawlen(L, 1) : 0;
    lua_Integer count = lua_isinteger(L, 2) ? lua_tointeger(L, 2) : 0;
    lua_Unsigned steps = count < 0 ? 0 - (lua_Unsigned)count : (lua_Unsigned)count;
    lb_charge(L, lb_host_at(L), (steps < length / 4 ? (size_t)steps * 4 : length) * CONVERTED / 10);
    return call_charged_rest(L);
}

/// Replaces a function of the library on top of the stack.
static void wrap(lua_State *L, const char *name, lua_CFunction wrapper) {
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, wrapper, 1);
    lua_setfield(L, -2, name);
}

struct charged {
    const char *name;
    int cost;
};

/// Charges functions of the library on top of the stack.
static void charge_functions(lua_State *L, const struct charged *functions) {
    for (; functions->name != NULL; functions++) {
        lua_getfield(L, -1, functions->name);
        lua_pushinteger(L, functions->cost);
        lua_pushcclosure(L, call_charged, 2);
        lua_setfield(L, -2, functions->name);
    }
}

/// Charges all functions of the library on top of the stack but those with values of their own (math.random).
static void charge_library(lua_State *L) {
    int library = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, library) != 0; lua_settop(L, library + 1)) {
        if (lua_iscfunction(L, library + 2) && lua_getupvalue(L, library + 2, 1) == NULL) {
            lua_pushvalue(L, library + 1);
            lua_pushvalue(L, library + 2);
            lua_pushinteger(L, CONVERTED);
            lua_pushcclosure(L, call_charged, 2);
            lua_rawset(L, library);
        }
    }
}

static const struct charged base_functions[] = {{"select", 0}, {"tonumber", CONVERTED}, {NULL, 0}};
static const struct charged string_functions[] = {
    {"char", CONVERTED},    {"lower", CONVERTED},  {"pack", PACKED},     {"packsize", PACKED},
    {"reverse", CONVERTED}, {"unpack", CONVERTED}, {"upper", CONVERTED}, {NULL, 0},
};
static const struct charged utf8_functions[] = {{"char", CONVERTED}, {"codes", 0}, {NULL, 0}};
static const struct charged table_functions[] = {{"pack", 0}, {NULL, 0}};
/// What arithmetic does when an operand is a string.
static const struct charged string_metamethods[] = {
    {"__add", CONVERTED},  {"__sub", CONVERTED}, {"__mul", CONVERTED}, {"__mod", CONVERTED}, {"__pow", CONVERTED},
    {"__div", CONVERTED}, {"__idiv", CONVERTED}, {"__unm", CONVERTED}, {NULL, 0},
};
static const struct charged os_functions[] = {
    {"clock", 0}, {"date", DATED}, {"difftime", CONVERTED}, {"time", CONVERTED}, {NULL, 0},
};

// MARK: - The sandbox

/// The environment holds secrets.
static int no_variable(lua_State *L) {
    luaL_checkstring(L, 1);
    luaL_pushfail(L);
    return 1;
}

static void open_os_library(lua_State *L) {
    luaL_requiref(L, LUA_OSLIBNAME, luaopen_os, 0);
    lua_createtable(L, 0, 4);
    for (int i = 0; os_functions[i].name != NULL; i++) {
        lua_getfield(L, -2, os_functions[i].name);
        lua_setfield(L, -2, os_functions[i].name);
    }
    charge_functions(L, os_functions);
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
    charge_functions(L, string_metamethods);
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
    charge_library(L);
    luaL_requiref(L, LUA_UTF8LIBNAME, luaopen_utf8, 1);
    lb_mend_utf8_library(L);
    wrap(L, "codepoint", call_charged_rest);
    wrap(L, "len", call_charged_span);
    wrap(L, "offset", call_charged_steps);
    charge_functions(L, utf8_functions);
    lua_pushglobaltable(L);
    charge_functions(L, base_functions);
    lua_getglobal(L, LUA_STRLIBNAME);
    wrap(L, "byte", call_charged_rest);
    wrap(L, "sub", call_charged_rest);
    charge_functions(L, string_functions);
    lua_getglobal(L, LUA_TABLIBNAME);
    charge_functions(L, table_functions);
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
        // What small blocks took stays the process's otherwise, and large ones come on top of it.
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
