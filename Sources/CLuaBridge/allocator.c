// The allocator of a state: counts bytes, and refuses past the limit while a script runs.

#include "bridge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// From this size on an allocation looks at the clock: copying it takes longer than a hook's interval should.
#define LARGE (64u << 10)
/// Blocks from this size on are refused in a slice whose budget is spent.
#define REFUSED_WHEN_SPENT (256u << 10)

// MARK: - Large blocks

static int class_of(size_t size) {
    int class = 0;
    for (size_t bound = (size_t)2 << 20; size >= bound && class < LB_LARGE_CLASSES - 1; bound *= 2) {
        class++;
    }
    return class;
}

static void count_large(lb_host *host, size_t old_size, size_t new_size) {
    if (old_size >= (size_t)1 << 20) {
        host->large_blocks[class_of(old_size)]--;
    }
    if (new_size >= (size_t)1 << 20) {
        host->large_blocks[class_of(new_size)]++;
    }
    int class = LB_LARGE_CLASSES - 1;
    while (class >= 0 && host->large_blocks[class] == 0) {
        class--;
    }
    host->largest_class = class;
}

size_t lb_largest_block(const lb_host *host) {
    return host->largest_class < 0 ? 0 : (size_t)2 << (20 + host->largest_class);
}

// MARK: - What a forced collection frees
//
// Where memory is refused, Lua collects everything and asks again. Lua 5.4.4 does so also while it assigns through a
// `__newindex` table that only a weak metatable holds: it then goes on with a table that it has just freed
// (luaV_finishset; LuaDefects in LuaRuntime's documentation). So what such a collection frees stays readable until no
// such assignment can be under way any more. A block that is freed or moved once more shows that one was: Lua's account
// of its memory is wrong from then on, so the collector stops and the script is ended for good.

/// An assignment makes at most four calls of the allocator after the one refused.
#define HELD_CALLS 8

static void release_held(lb_host *host, size_t count) {
    if (host->held_count == 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        lb_pool_resize(&host->pool, host->held[i].block, host->held[i].size, 0);
    }
    host->held_count -= count;
    host->held_older = 0;
    memmove(host->held, host->held + count, host->held_count * sizeof *host->held);
}

void lb_free_held(lb_host *host) {
    if (host->held != NULL) {
        release_held(host, host->held_count);
        free(host->held);
        host->held = NULL;
    }
}

static void hold(lb_host *host, void *block, size_t block_size) {
    if (host->held_count == host->held_capacity) {
        size_t capacity = host->held_capacity == 0 ? 256 : host->held_capacity * 2;
        lb_held *grown = realloc(host->held, capacity * sizeof *grown);
        if (grown == NULL) {
            lb_pool_resize(&host->pool, block, block_size, 0);
            return;
        }
        host->held = grown;
        host->held_capacity = capacity;
    }
    host->held[host->held_count++] = (lb_held){block, block_size};
}

static bool is_held(const lb_host *host, const void *block) {
    for (size_t i = 0; i < host->held_count; i++) {
        if (host->held[i].block == block) {
            return true;
        }
    }
    return false;
}

/// Memory is refused: what is freed from now on is held. `again`: it was asked for after a collection.
static void begin_holding(lb_host *host, bool again) {
    if (!again && host->held_count > 0) {
        // An assignment is refused twice at most, so what was freed before the last time can go.
        release_held(host, host->held_older);
        host->held_older = host->held_count;
    }
    host->refused = true;
    host->holding = HELD_CALLS;
}

// MARK: - Refusing

static void *refuse(lb_host *host, bool again) {
    begin_holding(host, again);
    // The hook's clock may be far away when a script catches memory errors in a loop, each after a full collection.
    if (host->running != NULL) {
        char where[LB_WHERE_SIZE];
        lb_write_position(host->running, 0, where, sizeof where);
        if (where[0] != 0) {
            // Not so when an error unwinds the stack, which is then moved.
            memcpy(host->refused_where, where, sizeof where);
        }
        if (lb_overdue(host, host->running, 0)) {
            lb_stop_thread(host->running);
        }
    }
    return NULL;
}

/// Nanoseconds without a look at the clock that nothing but the loop below takes: hooks come more often.
#define LONG_GROWTH 2000000

/// What may pass until such a block is asked for again. A `__call` that leads to itself is the one loop of Lua 5.4.4 that
/// runs no hook: it moves the whole stack up by one value a step, so that each doubling of the stack takes four times as
/// long as the one before, and nothing else looks at the clock in between. The stack may also double twice at one place,
/// in no time: then the next doubling takes four times as long again.
static int64_t time_to_next_growth(lb_host *host) {
    int64_t now = lb_cpu_time();
    int64_t passed = host->growth_cpu != 0 && host->growth_looks == host->looks ? now - host->growth_cpu : 0;
    bool twice = host->growth_looks == host->looks && host->growth_time >= LONG_GROWTH && passed < host->growth_time / 16;
    host->growth_time = twice ? 4 * host->growth_time : passed;
    host->growth_cpu = now;
    return 4 * host->growth_time;
}

/// `part` says that the block is a new one and part of an object: a stack, a buffer, a table's hash part.
static bool may_grow(lb_host *host, bool part, size_t old_size, size_t new_size) {
    size_t more = new_size - old_size;
    if (host->broken) {
        return true;  // A collection would trust the account. The script goes no further than its next instruction.
    }
    if (host->used > host->limit || more > host->limit - host->used) {
        return false;
    }
    if (new_size < LARGE || host->running == NULL) {
        return true;
    }
    int64_t ahead = part ? time_to_next_growth(host) : 0;
    bool collide = false;
    if (part && lb_is_node_size(new_size)) {
        int64_t cost = lb_collision_cost(host, new_size);
        if (cost > ahead) {
            ahead = cost;
            collide = true;
        }
    }
    bool was_spent = host->spent;
    if (lb_overdue(host, host->running, ahead)) {
        host->collided = host->collided || (collide && !was_spent);
        lb_stop_thread(host->running);
        return new_size < REFUSED_WHEN_SPENT && ahead == 0;
    }
    host->growth_looks = host->looks;
    int interval = lb_hook_interval(host);
    if (lua_gethookcount(host->running) > interval) {
        lua_sethook(host->running, lb_hook, LUA_MASKCOUNT, interval);
    }
    return true;
}

static void note_size(lb_host *host, size_t old_size, size_t new_size) {
    host->used += new_size - old_size;
    if ((old_size | new_size) >= (size_t)1 << 20) {
        count_large(host, old_size, new_size);
    }
}

/// Goes on with a block that is freed already: as with a new one.
static void *move_held(lb_host *host, const void *block, size_t old_size, size_t new_size) {
    host->broken = host->spent = true;
    lua_gc(host->main, LUA_GCSTOP);
    if (host->running != NULL) {
        lb_write_position(host->running, 0, host->spent_where, sizeof host->spent_where);
        lb_stop_thread(host->running);
    }
    if (new_size == 0) {
        return NULL;
    }
    void *moved = lb_pool_resize(&host->pool, NULL, 0, new_size);
    if (moved != NULL) {
        memcpy(moved, block, old_size < new_size ? old_size : new_size);
        note_size(host, 0, new_size);
    }
    return moved;
}

// MARK: - Allocating

void *lb_allocate(void *context, void *block, size_t old_size, size_t new_size) {
    lb_host *host = context;
    size_t kind = 0;
    if (block == NULL) {
        if (new_size == 0) {
            return NULL;
        }
        kind = old_size;  // Lua passes the kind of the object here, 0 for what is part of one.
        old_size = 0;
    }
    bool part = block == NULL && kind == 0;
    bool again = host->refused && new_size > old_size;
    if (host->holding > 0) {
        if (host->refused && new_size == 0) {
            if (lb_is_node_size(old_size)) {
                lb_forget_nodes(host, block);
            }
            note_size(host, old_size, 0);
            hold(host, block, old_size);
            return NULL;
        }
        if (again) {
            host->refused = false;
        }
        if (--host->holding == 0) {
            host->refused = false;
            release_held(host, host->held_count);
        } else if (block != NULL && is_held(host, block)) {
            return move_held(host, block, old_size, new_size);
        }
    }
    if (new_size > old_size && host->in_vm && !may_grow(host, part, old_size, new_size)) {
        return refuse(host, again);
    }
    if (old_size >= LARGE && lb_is_node_size(old_size)) {
        lb_forget_nodes(host, block);
    }
    void *moved = lb_pool_resize(&host->pool, block, old_size, new_size);
    if (moved == NULL && new_size != 0) {
        return NULL;
    }
    note_size(host, old_size, new_size);
    if (part && new_size >= LARGE && lb_is_node_size(new_size)) {
        lb_watch_nodes(host, moved, new_size);
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
