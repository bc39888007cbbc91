// The allocator of a state: counts bytes, and refuses past the limit while a script runs.

#include "bridge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// From this size on an allocation looks at the clock: copying it takes longer than a hook's interval should.
#define LARGE (64u << 10)
/// Blocks from this size on are refused in a slice whose budget is spent. That ends the one loop of Lua 5.4.4 that runs
/// no hook at all: a `__call` that leads to itself doubles the stack again and again.
#define REFUSED_WHEN_SPENT (256u << 10)

static void *refuse(lb_host *host) {
    // The hook's clock may be far away when a script catches memory errors in a loop, each after a full collection.
    if (host->running != NULL) {
        char where[LB_WHERE_SIZE];
        lb_write_position(host->running, 0, where, sizeof where);
        if (where[0] != 0) {
            // Not so when an error unwinds the stack, which is then moved.
            memcpy(host->refused_where, where, sizeof where);
        }
        if (lb_overdue(host, host->running)) {
            lua_sethook(host->running, lb_hook, LUA_MASKCOUNT, 1);
        }
    }
    return NULL;
}

static bool may_grow(lb_host *host, size_t old_size, size_t new_size) {
    size_t more = new_size - old_size;
    if (host->used > host->limit || more > host->limit - host->used) {
        return false;
    }
    if (new_size >= LARGE && host->running != NULL) {
        if (lb_overdue(host, host->running)) {
            lua_sethook(host->running, lb_hook, LUA_MASKCOUNT, 1);
            return new_size < REFUSED_WHEN_SPENT;
        }
        int interval = lb_hook_interval(host);
        if (lua_gethookcount(host->running) > interval) {
            lua_sethook(host->running, lb_hook, LUA_MASKCOUNT, interval);
        }
    }
    return true;
}

void *lb_allocate(void *context, void *block, size_t old_size, size_t new_size) {
    lb_host *host = context;
    if (block == NULL) {
        old_size = 0;  // Lua passes the kind of the object here.
    }
    if (new_size == 0) {
        free(block);
        host->used -= old_size;
        return NULL;
    }
    if (new_size > old_size && host->in_vm && !may_grow(host, old_size, new_size)) {
        return refuse(host);
    }
    void *moved = realloc(block, new_size);
    if (moved != NULL) {
        host->used += new_size - old_size;
    }
    return moved;
}

void lb_write_memory_message(const lb_host *host, char *text, size_t size) {
    bool whole = host->limit >= 1u << 20;
    snprintf(text, size, "memory limit of %zu %s exceeded", host->limit >> (whole ? 20 : 10), whole ? "MiB" : "KiB");
}

void lb_push_memory_message(lua_State *L, lb_host *host) {
    char text[LB_MESSAGE_SIZE];
    lb_write_memory_message(host, text, sizeof text);
    bool was = host->in_vm;
    host->in_vm = false;
    lua_pushfstring(L, "%s%s", host->refused_where, text);
    host->in_vm = was;
}

void lb_name_memory_error(lua_State *L, lb_host *host, int status) {
    if (status == LUA_ERRMEM) {
        lua_settop(L, -2);
        lb_push_memory_message(L, host);
    }
}
