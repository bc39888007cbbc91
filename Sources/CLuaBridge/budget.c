// The CPU budget of a slice: a slice is what runs between entering a state and leaving it or waiting.
//
// The clock that counts is the thread's CPU time. Asking for it is a system call, so the monotonic clock is asked
// first: no thread has used more CPU time than has passed.

#define _POSIX_C_SOURCE 200809L  // clock_gettime

#include "bridge.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/// Instructions between two hooks of a small state.
#define INTERVAL 1000
/// The memory up to which a single instruction is cheap. One instruction can read all memory once (comparing two equal
/// strings, `next` over an emptied table), so larger states get a shorter interval.
#define CHEAP_MEMORY (16u << 20)

static int64_t nanoseconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int lb_hook_interval(const lb_host *host) {
    if (host->spent) {
        return 1;
    }
    if (host->used <= CHEAP_MEMORY) {
        return INTERVAL;
    }
    size_t interval = (size_t)INTERVAL * CHEAP_MEMORY / host->used;
    return interval < 50 ? 50 : (int)interval;
}

void lb_write_position(lua_State *L, int level, char *buffer, size_t size) {
    lua_Debug frame;
    buffer[0] = 0;
    for (; lua_getstack(L, level, &frame); level++) {
        lua_getinfo(L, "Sl", &frame);
        if (frame.currentline > 0) {
            snprintf(buffer, size, "%s:%d: ", frame.short_src, frame.currentline);
            return;
        }
    }
}

bool lb_overdue(lb_host *host, lua_State *L) {
    if (host->spent) {
        return true;
    }
    if (host->slice_depth == 0) {
        return false;
    }
    int64_t now = nanoseconds(CLOCK_MONOTONIC);
    if (host->started == 0) {
        host->started = now;
        host->cpu_started = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
        return false;
    }
    if (now - host->started < host->budget) {
        return false;
    }
    int64_t used = nanoseconds(CLOCK_THREAD_CPUTIME_ID) - host->cpu_started;
    if (used < host->budget) {
        // The thread slept or was preempted: the rest of the budget cannot be used up sooner than it lasts.
        host->started = now - used;
        return false;
    }
    lb_write_position(L, 0, host->spent_where, sizeof host->spent_where);
    host->spent = true;
    return true;
}

void lb_write_budget_message(const lb_host *host, char *text, size_t size) {
    char time[32];
    if (host->budget % 1000000000 == 0) {
        snprintf(time, sizeof time, "%lld s", (long long)(host->budget / 1000000000));
    } else {
        snprintf(time, sizeof time, "%lld ms", (long long)(host->budget / 1000000));
    }
    if (host->handler) {
        snprintf(text, size, "the handler used more than %s of CPU time without waiting", time);
    } else {
        snprintf(text, size, "the script used more than %s of CPU time", time);
    }
}

void lb_push_budget_message(lua_State *L, lb_host *host) {
    char text[LB_MESSAGE_SIZE];
    lb_write_budget_message(host, text, sizeof text);
    bool was = host->in_vm;
    host->in_vm = false;
    lua_pushfstring(L, "%s%s", host->spent_where, text);
    host->in_vm = was;
}

void lb_begin_slice(lb_host *host, int64_t budget, bool handler) {
    if (host->slice_depth++ == 0) {
        host->budget = budget;
        host->handler = handler;
        host->started = 0;
        host->steps = 0;
        host->spent = false;
        host->refused_where[0] = 0;
    }
}

void lb_end_slice(lb_host *host) {
    if (--host->slice_depth == 0) {
        host->spent = false;
    }
}

static void raise_spent(lua_State *L, lb_host *host) {
    // Every further instruction of this thread raises again, whatever the script does with this error.
    lua_sethook(L, lb_hook, LUA_MASKCOUNT, 1);
    lb_push_budget_message(L, host);
    lua_error(L);
}

void lb_hook(lua_State *L, lua_Debug *activation) {
    (void)activation;
    lb_host *host = lb_host_at(L);
    if (lb_overdue(host, L)) {
        raise_spent(L, host);
    }
    int interval = lb_hook_interval(host);
    if (lua_gethookcount(L) != interval) {
        lua_sethook(L, lb_hook, LUA_MASKCOUNT, interval);
    }
}

void lb_charge_slowly(lua_State *L, lb_host *host) {
    host->steps = 0;
    if (lb_overdue(host, L)) {
        raise_spent(L, host);
    }
}
