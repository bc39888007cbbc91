// Host functions: what scripts call of the host.
//
// A host function is a C closure over its number. It enters Swift, Swift returns a status, and only then, with no Swift
// frame left on the C stack, this file raises or yields.
//
// A wait yields through every coroutine of the script up to the root. Each thread that waits keeps a marker on top of
// its stack: the leaf one where the host call itself waits, the link one above the inner thread where a coroutine was
// resumed that waits. Scripts cannot obtain these pointers.

#include "bridge.h"

#include <stdlib.h>

const char lb_leaf_marker = 0;
const char lb_link_marker = 0;

// MARK: - Room on the stack

void lb_ensure_stack(lua_State *L, int slots) {
    // Where memory is not refused: so what fails is the stack.
    lb_host *host = lb_host_at(L);
    bool was = host->in_vm;
    host->in_vm = false;
    bool fits = lua_checkstack(L, slots) != 0;
    host->in_vm = was;
    if (!fits) {
        char where[LB_WHERE_SIZE];
        lb_write_position(L, 0, where, sizeof where);
        lua_pushfstring(L, "%sstack overflow", where);
        lua_error(L);
    }
}

// MARK: - Waiting
//
// Whatever suspends a thread does so inside a protected call that has no message handler, so that none is set while the
// thread is suspended. lua_resetthread of Lua 5.4.4 would keep it: a place on the stack that unwinding gives to another
// value, or frees, and that an error in a to-be-closed variable then calls.

static int finish_wait(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    lb_host *host = lb_host_at(L);
    int failure = host->wait_failure;
    if (failure == 0) {
        return lua_gettop(L);
    }
    host->wait_failure = 0;
    if (failure == 2) {
        size_t length;
        const char *message = lua_tolstring(L, -1, &length);
        bool was = host->in_vm;
        host->in_vm = false;
        lb_push_failure(L, message, length, true);
        host->in_vm = was;
    }
    return lua_error(L);
}

/// What a host function that waits runs last: the frame on which its results arrive.
static int wait_for_host(lua_State *L) {
    lb_ensure_stack(L, LB_HOST_SLOTS + 1);
    lua_pushlightuserdata(L, (void *)&lb_leaf_marker);
    lb_host_at(L)->waiting = true;
    return lua_yieldk(L, 1, 0, finish_wait);
}

static int finish_host_function(lua_State *L, int status, lua_KContext base) {
    return status == LUA_OK || status == LUA_YIELD ? lua_gettop(L) - (int)base : lua_error(L);
}

// MARK: - Host functions

static int call_host_function(lua_State *L) {
    lb_host *host = lb_host_at(L);
    const int *function = lua_touserdata(L, lua_upvalueindex(1));
    lb_ensure_stack(L, LB_HOST_SLOTS);
    bool was = host->in_vm;
    host->in_vm = false;
    int result = host->call(host->owner, L, *function);
    host->in_vm = was;
    if (result != LB_WAIT) {
        // Once the budget is spent, by the function itself or a nested call, what was made of it does not matter.
        lb_charge_slowly(L, host, 0);
    }
    if (result >= 0) {
        if (host->used > host->limit) {
            // Host code is not refused memory, but what it made for the script counts: asking for one more object
            // collects, and raises the error if that is not enough.
            luaL_checkstack(L, 1, NULL);
            lua_newuserdatauv(L, 0, 0);
            lua_settop(L, -2);
        }
        return result;
    }
    if (result == LB_WAIT) {
        int base = lua_gettop(L);
        lua_pushcfunction(L, wait_for_host);
        return finish_host_function(L, lua_pcallk(L, 0, LUA_MULTRET, 0, base, finish_host_function), base);
    }
    return lua_error(L);
}

/// Lua has collected the function: the host may give its number to another.
static int release_function(lua_State *L) {
    lb_host *host = lb_host_at(L);
    if (host->released_count == host->released_capacity) {
        int capacity = host->released_capacity == 0 ? 16 : host->released_capacity * 2;
        int *grown = realloc(host->released, (size_t)capacity * sizeof(int));
        if (grown == NULL) {
            return 0;  // The number stays taken.
        }
        host->released = grown;
        host->released_capacity = capacity;
    }
    host->released[host->released_count++] = *(int *)lua_touserdata(L, 1);
    return 0;
}

int lb_take_released(lb_host *host) {
    return host->released_count == 0 ? -1 : host->released[--host->released_count];
}

void lb_push_function(lua_State *L, int function) {
    lb_host *host = lb_host_at(L);
    int *number = lua_newuserdatauv(L, sizeof(int), 0);
    *number = function;
    if (host->function_metatable == 0) {
        lua_createtable(L, 0, 1);
        lua_pushcfunction(L, release_function);
        lua_setfield(L, -2, "__gc");
        host->function_metatable = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, host->function_metatable);
    lua_setmetatable(L, -2);
    lua_pushcclosure(L, call_host_function, 1);
}

bool lb_spend(lua_State *L, size_t units) {
    lb_host *host = lb_host_at(L);
    return host->running == NULL || (lb_charge_work(L, host, units) && !host->spent);
}

bool lb_can_wait(lua_State *L) {
    return lb_host_at(L)->root != NULL && !lb_host_at(L)->cannot_wait && lua_isyieldable(L);
}

void lb_push_failure(lua_State *L, const char *message, size_t length, bool position) {
    char where[LB_WHERE_SIZE] = "";
    if (position) {
        lb_write_position(L, 1, where, sizeof where);
    }
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    luaL_addstring(&text, where);
    luaL_addlstring(&text, message, length);
    luaL_pushresult(&text);
}
