// Root coroutines: the threads that the host starts, resumes and abandons, and what their errors become.

#include "bridge.h"

#include <stdlib.h>
#include <string.h>

/// Bytes of an error value's JSON that are looked at; whoever reads the message cuts it to what is shown.
#define ERROR_JSON (1 << 20)

/// Pushes what is shown of an error value that is no text: where it was raised, and the value, a table as JSON.
static void push_error_value(lua_State *L, lb_host *host) {
    // The host asks: no limit must refuse what it is told.
    bool was = host->in_vm;
    host->in_vm = false;
    char where[LB_WHERE_SIZE];
    lb_write_position(L, 1, where, sizeof where);
    lb_buffer json = {0};
    if (lua_type(L, 1) == LUA_TNUMBER) {
        lua_pushvalue(L, 1);
        lua_pushfstring(L, "%s%s", where, lua_tostring(L, -1));
    } else if (lua_type(L, 1) != LUA_TTABLE) {
        lua_pushfstring(L, "%s(error object is a %s value)", where, luaL_typename(L, 1));
    } else if (lb_json_show(L, 1, ERROR_JSON, host->budget, &json) == LB_RETURNED) {
        lua_pushstring(L, where);
        lua_pushlstring(L, json.bytes, json.length);
        lua_concat(L, 2);
    } else {
        lua_pushfstring(L, "%s(error object is a table value; ", where);
        lua_pushlstring(L, json.bytes, json.length);
        lua_pushliteral(L, ")");
        lua_concat(L, 3);
    }
    lb_buffer_free(&json);
    host->in_vm = was;
}

void lb_keep_errors(lua_State *L) {
    lb_host *host = lb_host_at(L);
    if (host->kept_metatable != 0) {
        luaL_unref(L, LUA_REGISTRYINDEX, host->kept_metatable);
    }
    host->kept_metatable = luaL_ref(L, LUA_REGISTRYINDEX);
}

const char *lb_raised_where(lb_host *host) {
    return host->raised_where;
}

/// Whether the value on top of the stack is one that the host wants as it is.
static bool is_kept(lua_State *L, const lb_host *host) {
    if (host->kept_metatable == 0 || lua_type(L, -1) != LUA_TTABLE || !lua_getmetatable(L, -1)) {
        return false;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, host->kept_metatable);
    bool same = lua_rawequal(L, -1, -2);
    lua_settop(L, -3);
    return same;
}

/// Turns the error value of a root coroutine into the message that the host reads.
static int handle_message(lua_State *L) {
    lb_host *host = lb_host_at(L);
    if (is_kept(L, host)) {
        // No failure of the script: there is nothing to trace.
        lb_write_position(L, 1, host->raised_where, sizeof host->raised_where);
        return 1;
    }
    lb_explain_overflow(L);
    if (lua_type(L, 1) != LUA_TSTRING && !host->spent) {
        bool named = false;
        if (luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL) {
            lua_pushvalue(L, 1);
            named = lua_pcall(L, 1, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TSTRING;
        }
        if (!named) {
            push_error_value(L, host);
        }
    }
    lb_record_traceback(L, host);
    return 1;
}

static int finish_root(lua_State *L, int status, lua_KContext context) {
    (void)context;
    if (status == LUA_OK || status == LUA_YIELD) {
        return lua_gettop(L) - 1;
    }
    lb_host *host = lb_host_at(L);
    if (host->spent) {
        host->failure = LB_FAILED_BUDGET;
        lb_push_budget_message(L, host);
    } else if (status == LUA_ERRMEM) {
        host->failure = LB_FAILED_MEMORY;
        lb_push_memory_message(L, host);
    } else {
        host->failure = is_kept(L, host) ? LB_RAISED : LB_FAILED_RUNTIME;
    }
    return 1;
}

/// The bottom of every root coroutine. A protected call, not the end of the thread, is where errors arrive: it gives
/// the thread its hooks back after an error raised in a hook (lua_resetthread of Lua 5.4.4 does not) and closes
/// to-be-closed variables with hooks on.
static int run_root(lua_State *L) {
    int arguments = lua_gettop(L) - 1;
    lua_pushcfunction(L, handle_message);
    lua_insert(L, 1);
    return finish_root(L, lua_pcallk(L, arguments, LUA_MULTRET, 1, 0, finish_root), 0);
}

lua_State *lb_new_thread(lb_host *host) {
    lua_State *co = lua_newthread(host->main);
    lua_sethook(co, lb_hook, LUA_MASKCOUNT, lb_hook_interval(host));
    if (!lua_checkstack(co, LB_HOST_SLOTS)) {
        abort();  // As lua_newthread itself when the system has no memory.
    }
    lb_mark_root(co);
    return co;
}

struct slice {
    lua_State *running;
    lua_State *root;
    bool in_vm;
    bool cannot_wait;
    bool waiting;
    enum lb_step failure;
    lb_host *comparing;
};

static struct slice enter(lb_host *host, lua_State *co, int64_t budget, bool handler) {
    struct slice outer = {
        host->running, host->root, host->in_vm, host->cannot_wait, host->waiting, host->failure,
        lb_set_comparing(host),
    };
    host->root = co;
    host->waiting = false;
    host->failure = LB_RETURNED;
    host->has_traceback = false;
    host->in_vm = true;
    lb_begin_slice(host, budget, handler);
    int interval = lb_hook_interval(host);
    if (lua_gethookcount(co) != interval) {
        lua_sethook(co, lb_hook, LUA_MASKCOUNT, interval);
    }
    return outer;
}

static void leave(lb_host *host, struct slice outer) {
    host->running = outer.running;
    host->root = outer.root;
    host->in_vm = outer.in_vm;
    host->cannot_wait = outer.cannot_wait;
    host->waiting = outer.waiting;
    host->failure = outer.failure;
    lb_set_comparing(outer.comparing);
    lb_end_slice(host);
}

/// Ends a step with a message that the host reads.
static enum lb_step fail(lua_State *co, const char *message, int *count) {
    lua_settop(co, 0);
    lua_pushstring(co, message);
    *count = 1;
    return LB_FAILED_RUNTIME;
}

static enum lb_step run(lua_State *co, int arguments, int64_t budget, bool may_wait, bool handler, int *count) {
    lb_host *host = lb_host_at(co);
    struct slice outer = enter(host, co, budget, handler);
    host->cannot_wait = !may_wait;
    int status = lb_resume_thread(co, outer.running, arguments, count);
    enum lb_step step = host->failure;
    if (status == LUA_YIELD) {
        step = LB_WAITING;
    } else if (status != LUA_OK) {
        // The machine could not even enter the thread (the C stack is used up), or an error came in handling another.
        step = host->spent ? LB_FAILED_BUDGET : status == LUA_ERRMEM ? LB_FAILED_MEMORY : LB_FAILED_RUNTIME;
        *count = 1;
    }
    leave(host, outer);
    if (step != LB_WAITING && !lua_checkstack(co, LB_HOST_SLOTS)) {
        return fail(co, "stack overflow (too many results)", count);
    }
    return step;
}

enum lb_step lb_start(lua_State *co, int arguments, int64_t budget, bool may_wait, bool handler, int *count) {
    if (!lua_checkstack(co, 1)) {
        return fail(co, "stack overflow (too many arguments)", count);
    }
    lua_pushcfunction(co, run_root);
    lua_insert(co, -(arguments + 2));
    return run(co, arguments + 1, budget, may_wait, handler, count);
}

/// Whether a thread waits for the host, with `results` values pushed above its marker.
static bool waits(lua_State *co, int results) {
    int marker = lua_gettop(co) - results;
    if (lua_status(co) != LUA_YIELD || marker < 1) {
        return false;
    }
    const void *value = lua_touserdata(co, marker);
    return value == &lb_leaf_marker || (value == &lb_link_marker && marker > 1);
}

static enum lb_step resume(lua_State *co, int results, int failure, int64_t budget, int *count) {
    *count = 0;
    if (!waits(co, results)) {
        lua_settop(co, -results - 1);
        return LB_NOT_WAITING;
    }
    // The results go straight to the thread that waits; the threads between only pass the turn on.
    int marker = lua_gettop(co) - results;
    if (lua_touserdata(co, marker) == &lb_leaf_marker) {
        lua_rotate(co, marker, -1);
        lua_settop(co, -2);
    } else {
        lua_State *leaf = lua_tothread(co, marker - 1);
        while (lb_has_marker(leaf, &lb_link_marker)) {
            leaf = lua_tothread(leaf, -2);
        }
        lua_settop(leaf, -2);
        if (lua_checkstack(leaf, results + LB_HOST_SLOTS)) {
            lua_xmove(co, leaf, results);
        } else {
            failure = 2;
            lua_pushliteral(leaf, "stack overflow");
        }
        lua_settop(co, marker - 2);
    }
    lb_host_at(co)->wait_failure = failure;
    return run(co, 0, budget, true, true, count);
}

enum lb_step lb_resume(lua_State *co, int results, int64_t budget, int *count) {
    return resume(co, results, 0, budget, count);
}

enum lb_step lb_resume_raising(lua_State *co, bool position, int64_t budget, int *count) {
    return resume(co, 1, position ? 2 : 1, budget, count);
}

static void close_chain(lb_host *host, lua_State *co) {
    if (lb_has_marker(co, &lb_link_marker)) {
        close_chain(host, lua_tothread(co, -2));
    }
    lb_reset_thread(host, co);
}

void lb_abandon(lua_State *co, int64_t budget) {
    lb_host *host = lb_host_at(co);
    struct slice outer = enter(host, co, budget, true);
    host->cannot_wait = true;
    host->running = co;
    close_chain(host, co);
    leave(host, outer);
}
