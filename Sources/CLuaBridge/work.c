// Work that host code does for a script: it counts against the script's time, and what it makes against its memory.
//
// Inside a slice it uses that slice's budget. Outside (a payload that becomes a handler's argument, a result that
// becomes JSON) it is a slice of its own.

#include "bridge.h"

#include <stdio.h>

struct lb_work lb_begin_work(lua_State *L, int64_t budget, bool handler) {
    lb_host *host = lb_host_at(L);
    struct lb_work outer = {host->running, host->slice_depth == 0};
    if (outer.opens_slice) {
        lb_begin_slice(host, budget, handler);
    }
    if (host->running == NULL) {
        host->running = L;
    }
    return outer;
}

void lb_end_work(lb_host *host, struct lb_work outer) {
    host->running = outer.running;
    if (outer.opens_slice) {
        lb_end_slice(host);
    }
}

enum lb_step lb_do_work(
    lua_State *L, lua_CFunction body, void *context, int slots, int64_t budget, char *message) {
    lb_host *host = lb_host_at(L);
    // No call can be made on a thread that waits.
    lua_State *worker = lua_status(L) == LUA_OK ? L : host->main;
    message[0] = 0;
    // Here, where memory is not refused: so what fails is the stack.
    if (!lua_checkstack(L, 1) || !lua_checkstack(worker, slots + LUA_MINSTACK)) {
        snprintf(message, LB_MESSAGE_SIZE, "stack overflow");
        return LB_FAILED_MEMORY;
    }
    struct lb_work outer = lb_begin_work(L, budget, true);
    bool was = host->in_vm;
    int top = lua_gettop(worker);
    lua_pushcfunction(worker, body);
    lua_pushlightuserdata(worker, context);
    host->in_vm = true;
    int status = lua_pcall(worker, 1, 1, 0);
    host->in_vm = was;
    enum lb_step step = LB_RETURNED;
    if (host->spent) {
        step = LB_FAILED_BUDGET;
    } else if (status == LUA_ERRMEM) {
        step = LB_FAILED_MEMORY;
    } else if (status != LUA_OK) {
        // What `body` calls raises nothing else than that there is no room on one of the two stacks.
        step = LB_FAILED_MEMORY;
        snprintf(message, LB_MESSAGE_SIZE, "stack overflow");
    }
    if (step != LB_RETURNED) {
        lua_settop(worker, top);
        if (message[0] == 0) {
            lb_write_refusal(host, step, message, LB_MESSAGE_SIZE);
        }
    } else if (worker != L) {
        lua_xmove(worker, L, 1);
    }
    lb_end_work(host, outer);
    return step;
}

void lb_write_refusal(const lb_host *host, enum lb_step step, char *text, size_t size) {
    if (step == LB_FAILED_BUDGET) {
        lb_write_budget_message(host, text, size);
    } else {
        lb_write_memory_message(host, text, size);
    }
}

bool lb_charge_work_slowly(lua_State *L, lb_host *host, size_t units) {
    host->steps = 0;
    return !lb_overdue(host, L, lb_nanoseconds(units));
}
