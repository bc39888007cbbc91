// The CPU budget of a slice: a slice is what runs between entering a state and leaving it or waiting.
//
// The clock that counts is the thread's CPU time. Asking for it is a system call, so the monotonic clock is asked
// first: no thread has used more CPU time than has passed. Most slices end so early that even that clock is not asked:
// the coarse one, which is a read of memory, says that there is time left.

#define _GNU_SOURCE  // clock_gettime, CLOCK_MONOTONIC_COARSE

#include "bridge.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/// Instructions between two hooks.
#define INTERVAL 1000
/// One instruction can read a whole block (comparing two equal strings, `next` over an emptied table, a call with a
/// million arguments). With a block of this size every instruction has a hook; with smaller ones so many fewer that the
/// instructions between two hooks read about as much: 30 to 40 ms.
#define READ_BETWEEN_HOOKS ((size_t)320 << 20)
/// Nanoseconds that the coarse clock may be behind: a tick of the slowest kernel, and one for `started`.
#define COARSE 14000000
/// A slice that ends before so many nanoseconds has asked for no CPU time.
#define BEFORE_CPU_CLOCK 30000000

static int64_t nanoseconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t lb_cpu_time(void) {
    return nanoseconds(CLOCK_THREAD_CPUTIME_ID);
}

int lb_hook_interval(const lb_host *host) {
    if (host->spent) {
        return 1;
    }
    size_t largest = lb_largest_block(host);
    if (largest == 0) {
        return INTERVAL;
    }
    size_t interval = READ_BETWEEN_HOOKS / largest;
    return interval < 1 ? 1 : (int)interval;
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

// MARK: - Interrupts

struct lb_interrupt {
    atomic_bool raised;
};

lb_interrupt *lb_interrupt_new(void) {
    return calloc(1, sizeof(lb_interrupt));
}

void lb_interrupt_free(lb_interrupt *interrupt) {
    free(interrupt);
}

void lb_interrupt_raise(lb_interrupt *interrupt) {
    atomic_store_explicit(&interrupt->raised, true, memory_order_relaxed);
}

void lb_obey_interrupt(lb_host *host, const lb_interrupt *interrupt) {
    host->interrupt = interrupt;
}

// MARK: - The budget

bool lb_overdue(lb_host *host, lua_State *L, int64_t ahead) {
    if (host->spent) {
        return true;
    }
    if (host->slice_depth == 0) {
        return false;
    }
    host->looks++;
    if (host->interrupt != NULL && atomic_load_explicit(&host->interrupt->raised, memory_order_relaxed)) {
        lb_write_position(L, 0, host->spent_where, sizeof host->spent_where);
        host->interrupted = true;
        host->spent = true;
        return true;
    }
    int64_t now = nanoseconds(CLOCK_MONOTONIC_COARSE);
    int64_t quiet = host->cpu_started == 0 && host->budget > BEFORE_CPU_CLOCK ? BEFORE_CPU_CLOCK : host->budget;
    if (now - host->started + ahead + COARSE < quiet) {
        return false;
    }
    now = nanoseconds(CLOCK_MONOTONIC);
    if (host->cpu_started == 0) {
        int64_t passed = now - host->started;
        host->cpu_started = lb_cpu_time() - (passed < BEFORE_CPU_CLOCK ? passed : BEFORE_CPU_CLOCK);
    }
    if (now - host->started + ahead < host->budget) {
        return false;
    }
    int64_t used = lb_cpu_time() - host->cpu_started;
    if (used + ahead < host->budget) {
        // The thread slept or was preempted: the rest of the budget cannot be used up sooner than it lasts.
        host->started = now - used;
        return false;
    }
    lb_write_position(L, 0, host->spent_where, sizeof host->spent_where);
    if (host->spent_where[0] == 0 && host->root != NULL && L != host->main) {
        // A coroutine that has not begun.
        lb_write_position(host->root, 0, host->spent_where, sizeof host->spent_where);
    }
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
    if (host->broken) {
        snprintf(text, size, "memory ran out in an assignment through a weak metatable: the agent must be loaded again");
    } else if (host->interrupted) {
        snprintf(text, size, "the script was ended while it ran");
    } else if (host->collided) {
        snprintf(text, size, "the keys of a table collide: to grow it would take more of %s of CPU time than is left", time);
    } else if (host->handler) {
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
        // Coarse, up to 4 ms early: most slices end before anyone looks at a clock.
        host->started = nanoseconds(CLOCK_MONOTONIC_COARSE);
        host->cpu_started = 0;
        host->steps = 0;
        host->spent = host->broken;
        host->collided = false;
        host->growth_cpu = 0;
        host->refused_where[0] = 0;
    }
}

void lb_end_slice(lb_host *host) {
    if (--host->slice_depth == 0) {
        host->spent = host->broken;
    }
}

void lb_stop_thread(lua_State *L) {
    lua_sethook(L, lb_hook, LUA_MASKCOUNT, 1);
}

static void raise_spent(lua_State *L, lb_host *host) {
    // Whatever the script does with this error, the thread's next instruction raises again.
    lb_stop_thread(L);
    lb_push_budget_message(L, host);
    lua_error(L);
}

void lb_hook(lua_State *L, lua_Debug *activation) {
    (void)activation;
    lb_host *host = lb_host_at(L);
    if (lb_overdue(host, L, 0)) {
        raise_spent(L, host);
    }
    int interval = lb_hook_interval(host);
    if (lua_gethookcount(L) != interval) {
        lua_sethook(L, lb_hook, LUA_MASKCOUNT, interval);
    }
}

void lb_charge_slowly(lua_State *L, lb_host *host, size_t units) {
    host->steps = 0;
    if (lb_overdue(host, L, lb_nanoseconds(units))) {
        raise_spent(L, host);
    }
}

// MARK: - Comparison of strings

/// The state that runs on this thread, for `strcoll`.
static _Thread_local lb_host *comparing;

lb_host *lb_set_comparing(lb_host *host) {
    lb_host *outer = comparing;
    comparing = host;
    return outer;
}

/// Takes the place of libc's for the whole program, which stays in the "C" locale, where strcoll is strcmp.
///
/// Lua compares strings with strcoll, one piece between two zero bytes after another: with strings of nothing but zeros
/// that is 12 ns a byte in a single instruction, a second for 80 MB. Raising from within a comparison is not Lua's way,
/// so the answer is a wrong one, and the next instruction raises.
int strcoll(const char *a, const char *b) {
    lb_host *host = comparing;
    if (host != NULL && host->running != NULL && ++host->steps >= LB_CLOCK_UNITS) {
        host->steps = 0;
        if (lb_overdue(host, host->running, 0)) {
            lb_stop_thread(host->running);
            return -1;
        }
    }
    return strcmp(a, b);
}
