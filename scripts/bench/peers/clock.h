// Time, and how long things took, for the programs of this folder.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/// Nanoseconds of the monotonic clock, which Python's `time.monotonic_ns` reads as well.
static inline int64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/// Ends the program with a message.
static inline _Noreturn void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/// Durations, each within a thousandth of itself: 10 bits of a number, and its power of two.
enum { DELAY_STEPS = 1024, DELAY_SLOTS = 44 * DELAY_STEPS };
typedef struct {
    uint32_t counts[DELAY_SLOTS];
    uint64_t count;
    int64_t longest;
} delays;

static inline void add_delay(delays *all, int64_t ns) {
    if (ns < 0) ns = 0;
    if (ns > all->longest) all->longest = ns;
    int shift = 0;
    while ((ns >> shift) >= 2 * DELAY_STEPS) shift++;
    // Numbers below 2,048 have a slot each; those of every further power of two share 1,024.
    int64_t slot = shift ? (int64_t)(shift + 1) * DELAY_STEPS + ((ns >> shift) - DELAY_STEPS) : ns;
    all->counts[slot < DELAY_SLOTS ? slot : DELAY_SLOTS - 1]++;
    all->count++;
}

/// The delay that `share` of all are not above, in microseconds; 0 when there is none.
static inline double delay_at(const delays *all, double share) {
    uint64_t seen = 0, wanted = (uint64_t)(share * (double)all->count);
    for (int64_t slot = 0; slot < DELAY_SLOTS; slot++) {
        seen += all->counts[slot];
        if (!all->counts[slot] || (seen < wanted)) continue;
        int shift = slot < 2 * DELAY_STEPS ? 0 : (int)(slot / DELAY_STEPS) - 1;
        int64_t ns = shift ? (slot % DELAY_STEPS + DELAY_STEPS) << shift : slot;
        return (double)ns / 1e3;
    }
    return 0;
}
