// The coroutine library. Behaves as Lua 5.4's, and carries waits of the host through the script's own coroutines: when
// the inner one waits, the one that resumed it yields too, down to the root; resumed, each passes the turn on.

#include "bridge.h"

#include <string.h>

/// Nested `coroutine.close`: each gives Lua 5.4.4's count of C calls (at most 200) a new start, so this bounds the
/// C stack at this many times 200 calls.
#define CLOSE_DEPTH 8
/// Charged for a resume, so that many short coroutines, each below a hook's interval, are seen by the clock.
#define RESUME_UNITS 250

enum { PLAIN, WRAPPED };

static int finish_coroutine(lua_State *L, int status, lua_KContext context) {
    (void)context;
    // Below the results lies the message handler.
    return status == LUA_OK || status == LUA_YIELD ? lua_gettop(L) - 1 : lua_error(L);
}

/// The bottom of every coroutine of a script; see `run_root` for why there is a protected call.
static int run_coroutine(lua_State *L) {
    lua_pushcfunction(L, lb_explain_overflow);
    lua_insert(L, 1);
    return finish_coroutine(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, 0, finish_coroutine), 0);
}

int lb_resume_thread(lua_State *co, lua_State *from, int arguments, int *count) {
    lb_host *host = lb_host_at(co);
    host->running = co;
    int status = lua_resume(co, from, arguments, count);
    host->running = from;
    return status;
}

int lb_reset_thread(lb_host *host, lua_State *co) {
    lua_State *running = host->running;
    bool could_not_wait = host->cannot_wait;
    host->running = co;
    host->cannot_wait = true;
    host->closing++;
    int status = lua_resetthread(co);
    host->closing--;
    host->cannot_wait = could_not_wait;
    host->running = running;
    return status;
}

static bool waits_for_host(lua_State *co) {
    return lua_status(co) == LUA_YIELD
        && (lb_has_marker(co, &lb_leaf_marker) || lb_has_marker(co, &lb_link_marker));
}

// MARK: - Resuming

/// Resuming counts as a call of Lua from C; its refusal has no place.
static void name_overflow(lua_State *L, lua_KContext kind) {
    if (lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "C stack overflow") == 0) {
        lua_settop(L, -2);
        lua_pushliteral(L, "C stack overflow: too many coroutines resumed within one another");
        if (kind == PLAIN) {
            luaL_where(L, 1);
            lua_insert(L, -2);
            lua_concat(L, 2);
        }
    }
}

static int fail(lua_State *L, lua_State *co, lua_KContext kind) {
    lb_host *host = lb_host_at(L);
    int status = lua_status(co);
    if (host->spent) {
        return lua_error(L);
    }
    name_overflow(L, kind);
    if (kind == PLAIN) {
        lb_name_memory_error(L, host, status);
        lua_pushboolean(L, 0);
        lua_insert(L, -2);
        return 2;
    }
    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int finish_passing(lua_State *L, int status, lua_KContext context) {
    (void)status;
    (void)context;
    return lua_gettop(L);
}

/// What a resumption of a thread that waits runs last: yields too, with that thread and the marker. A frame of its own
/// for the reason that trampoline.c gives; the results arrive on it when this is the root.
static int pass_wait_on(lua_State *L) {
    lb_ensure_stack(L, LB_HOST_SLOTS + 1);
    lua_pushlightuserdata(L, (void *)&lb_link_marker);
    return lua_yieldk(L, 2, 0, finish_passing);
}

static int continue_resume(lua_State *L, int status, lua_KContext kind);

static int step(lua_State *L, lua_State *co, int arguments, lua_KContext kind) {
    lb_host *host = lb_host_at(L);
    bool could_not_wait = host->cannot_wait;
    host->cannot_wait = could_not_wait || !lua_isyieldable(L);
    int count = 0;
    int status = lb_resume_thread(co, L, arguments, &count);
    host->cannot_wait = could_not_wait;
    if (status == LUA_YIELD && host->waiting) {
        lua_pushcfunction(L, pass_wait_on);
        lua_pushvalue(L, kind == WRAPPED ? lua_upvalueindex(1) : 1);
        return continue_resume(L, lua_pcallk(L, 1, 0, 0, kind, continue_resume), kind);
    }
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_xmove(co, L, 1);
        return fail(L, co, kind);
    }
    if (!lua_checkstack(L, count + 1)) {
        lua_settop(co, -count - 1);
        lua_pushliteral(L, "too many results to resume");
        return fail(L, co, kind);
    }
    if (kind == WRAPPED) {
        lua_xmove(co, L, count);
        return count;
    }
    lua_pushboolean(L, 1);
    lua_xmove(co, L, count);
    return count + 1;
}

static lua_State *resumed_thread(lua_State *L, lua_KContext kind) {
    return lua_tothread(L, kind == WRAPPED ? lua_upvalueindex(1) : 1);
}

static int continue_resume(lua_State *L, int status, lua_KContext kind) {
    if (status != LUA_OK && status != LUA_YIELD) {
        // There was no room to wait with the thread.
        lb_host_at(L)->waiting = false;
        return lua_error(L);
    }
    lua_State *co = resumed_thread(L, kind);
    if (lb_has_marker(co, &lb_link_marker)) {
        lua_settop(co, -3);
    }
    return step(L, co, 0, kind);
}

static int resume(lua_State *L, lua_State *co, int arguments, lua_KContext kind) {
    lb_charge(L, lb_host_at(L), RESUME_UNITS + (size_t)arguments);
    if (lb_is_root(co) && co != L) {
        lua_pushliteral(L, "cannot resume a coroutine of the host");
        return fail(L, co, kind);
    }
    if (waits_for_host(co)) {
        lua_pushliteral(L, "cannot resume a coroutine that waits for the host");
        return fail(L, co, kind);
    }
    if (!lua_checkstack(co, arguments + 1)) {
        lua_pushliteral(L, "too many arguments to resume");
        return fail(L, co, kind);
    }
    bool fresh = lua_status(co) == LUA_OK && lua_gettop(co) == 2 && lua_tocfunction(co, 1) == run_coroutine;
    lua_xmove(L, co, arguments);
    return step(L, co, arguments + (fresh ? 1 : 0), kind);
}

static lua_State *check_thread(lua_State *L) {
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co, 1, "coroutine");
    return co;
}

static int coroutine_resume(lua_State *L) {
    lua_State *co = check_thread(L);
    return resume(L, co, lua_gettop(L) - 1, PLAIN);
}

static int resume_wrapped(lua_State *L) {
    return resume(L, resumed_thread(L, WRAPPED), lua_gettop(L), WRAPPED);
}

// MARK: - The rest of the library

static int coroutine_create(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    lua_pushcfunction(co, run_coroutine);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    return 1;
}

static int coroutine_wrap(lua_State *L) {
    coroutine_create(L);
    lua_pushcclosure(L, resume_wrapped, 1);
    return 1;
}

static int yield_all(lua_State *L) {
    return lua_yield(L, lua_gettop(L));
}

static int finish_yield(lua_State *L, int status, lua_KContext context) {
    (void)context;
    return status == LUA_OK || status == LUA_YIELD ? lua_gettop(L) : lua_error(L);
}

static int coroutine_yield(lua_State *L) {
    if (lb_is_root(L)) {
        return luaL_error(L, "attempt to yield from outside a coroutine");
    }
    // In a protected call for the reason that trampoline.c gives.
    lua_pushcfunction(L, yield_all);
    lua_insert(L, 1);
    return finish_yield(L, lua_pcallk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, 0, finish_yield), 0);
}

static const char *status_of(lua_State *L, lua_State *co) {
    if (L == co) {
        return "running";
    }
    switch (lua_status(co)) {
    case LUA_YIELD:
        return "suspended";
    case LUA_OK: {
        lua_Debug frame;
        if (lua_getstack(co, 0, &frame)) {
            return "normal";
        }
        return lua_gettop(co) == 0 || lb_is_root(co) ? "dead" : "suspended";
    }
    default:
        return "dead";
    }
}

static int coroutine_status(lua_State *L) {
    lua_pushstring(L, status_of(L, check_thread(L)));
    return 1;
}

static int coroutine_isyieldable(lua_State *L) {
    lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
    lua_pushboolean(L, !lb_is_root(co) && lua_isyieldable(co));
    return 1;
}

static int coroutine_running(lua_State *L) {
    lua_pushthread(L);
    lua_pushboolean(L, lb_is_root(L));
    return 2;
}

static int coroutine_close(lua_State *L) {
    lb_host *host = lb_host_at(L);
    lua_State *co = check_thread(L);
    const char *status = status_of(L, co);
    if (*status != 's' && *status != 'd') {
        return luaL_error(L, "cannot close a %s coroutine", status);
    }
    if (lb_is_root(co)) {
        return luaL_error(L, "cannot close a coroutine of the host");
    }
    if (waits_for_host(co)) {
        return luaL_error(L, "cannot close a coroutine that waits for the host");
    }
    if (host->closing >= CLOSE_DEPTH) {
        return luaL_error(L, "too many nested calls of coroutine.close");
    }
    lb_charge(L, host, RESUME_UNITS);
    int result = lb_reset_thread(host, co);
    if (host->spent) {
        lb_charge_slowly(L, host, 0);
    }
    if (result == LUA_OK) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushboolean(L, 0);
    lua_xmove(co, L, 1);
    lb_name_memory_error(L, host, result);
    return 2;
}

static const luaL_Reg functions[] = {
    {"close", coroutine_close},
    {"create", coroutine_create},
    {"isyieldable", coroutine_isyieldable},
    {"resume", coroutine_resume},
    {"running", coroutine_running},
    {"status", coroutine_status},
    {"wrap", coroutine_wrap},
    {"yield", coroutine_yield},
    {NULL, NULL},
};

static int open_library(lua_State *L) {
    luaL_newlib(L, functions);
    return 1;
}

void lb_open_coroutine_library(lua_State *L) {
    luaL_requiref(L, LUA_COLIBNAME, open_library, 1);
    lua_settop(L, -2);
}
