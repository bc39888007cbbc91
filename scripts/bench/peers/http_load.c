// HTTP requests at a fixed pace, or a fixed number of them, or as many as are answered.
//
//   http_load PORT PATH BODY CONNECTIONS pace PER_SECOND SECONDS
//   http_load PORT PATH BODY CONNECTIONS count REQUESTS
//   http_load PORT PATH BODY CONNECTIONS time SECONDS              after half a second of warming up
//
// At a pace, a request's delay counts from the moment at which it was due, whether or not a connection was free to send it:
// a server that pauses is charged for every request that its pause has held up. Otherwise each connection sends its next
// request when the one before is answered. Prints "begin NS" and "end NS" by time, and one line of JSON, delays in µs.
#define _GNU_SOURCE
#include "sockets.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

typedef struct {
    int descriptor;
    /// When the request that it waits for was due; 0 while it is free.
    int64_t due;
    size_t count;
    char answer[16384];
} connection;

static char request[8192];
static size_t request_length;
static connection *connections;
static int connection_count;
static delays seen;
static long failed;

static void start(connection *one, int64_t due) {
    one->due = due;
    write_all(one->descriptor, request, request_length);
}

/// Reads what is there; true when that has ended the answer.
static int finish(connection *one) {
    ssize_t count = read(one->descriptor, one->answer + one->count, sizeof one->answer - one->count);
    if (count <= 0) {
        if (count < 0 && errno == EAGAIN) return 0;
        fail("a connection was closed");
    }
    one->count += (size_t)count;
    int status = 0;
    if (!answer_length(one->answer, one->count, &status)) return 0;
    failed += status != 200;
    add_delay(&seen, now_ns() - one->due);
    one->count = 0;
    one->due = 0;
    return 1;
}

static void by_count(int poll, long requests) {
    struct epoll_event events[256];
    long sent = 0;
    for (int i = 0; i < connection_count && sent < requests; i++, sent++) start(&connections[i], now_ns());
    while ((long)seen.count < requests) {
        int count = epoll_wait(poll, events, 256, 60000);
        if (count <= 0) fail("no answer for a minute");
        for (int i = 0; i < count; i++) {
            connection *one = events[i].data.ptr;
            if (!finish(one) || sent >= requests) continue;
            sent++;
            start(one, now_ns());
        }
    }
}

/// Keeps every connection busy until the moment.
static void keep_busy(int poll, int64_t until) {
    struct epoll_event events[256];
    while (now_ns() < until) {
        int count = epoll_wait(poll, events, 256, 60000);
        if (count <= 0) fail("no answer for a minute");
        for (int i = 0; i < count; i++) {
            connection *one = events[i].data.ptr;
            if (finish(one)) start(one, now_ns());
        }
    }
}

/// Returns nanoseconds of what was measured.
static int64_t by_time(int poll, double seconds) {
    for (int i = 0; i < connection_count; i++) start(&connections[i], now_ns());
    keep_busy(poll, now_ns() + 500000000LL);
    memset(&seen, 0, sizeof seen);
    const int64_t began = now_ns();
    printf("begin %lld\n", (long long)began);
    fflush(stdout);
    keep_busy(poll, began + (int64_t)(seconds * 1e9));
    const int64_t ended = now_ns();
    printf("end %lld\n", (long long)ended);
    return ended - began;
}

static void at_pace(int poll, double per_second, double seconds) {
    struct epoll_event events[256];
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct itimerspec every = {.it_interval.tv_nsec = 200000, .it_value.tv_nsec = 200000};
    timerfd_settime(timer, 0, &every, NULL);
    epoll_ctl(poll, EPOLL_CTL_ADD, timer, &(struct epoll_event){.events = EPOLLIN, .data.ptr = NULL});
    // Free connections, used in turn.
    connection **free_ones = calloc((size_t)connection_count, sizeof *free_ones);
    int free_count = 0;
    for (int i = 0; i < connection_count; i++) free_ones[free_count++] = &connections[i];
    const int64_t began = now_ns();
    const long requests = (long)(per_second * seconds);
    for (long sent = 0; (long)seen.count < requests;) {
        while (sent < requests && free_count) {
            const int64_t due = began + (int64_t)((double)sent / per_second * 1e9);
            if (due > now_ns()) break;
            start(free_ones[--free_count], due);
            sent++;
        }
        int count = epoll_wait(poll, events, 256, 60000);
        for (int i = 0; i < count; i++) {
            connection *one = events[i].data.ptr;
            uint64_t ticks;
            if (!one) {
                if (read(timer, &ticks, sizeof ticks) < 0 && errno != EAGAIN) fail("the timer cannot be read");
            } else if (finish(one)) {
                free_ones[free_count++] = one;
            }
        }
    }
}

int main(int argc, char **argv) {
    const int is_paced = argc == 8 && !strcmp(argv[5], "pace"), is_timed = argc == 7 && !strcmp(argv[5], "time");
    if (!is_paced && !is_timed && !(argc == 7 && !strcmp(argv[5], "count")))
        fail("usage: http_load PORT PATH BODY CONNECTIONS (pace PER_SECOND SECONDS | count REQUESTS | time SECONDS)");
    request_length = (size_t)snprintf(
        request, sizeof request,
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", argv[2],
        argv[1], strlen(argv[3]), argv[3]);
    if (request_length >= sizeof request) fail("the request is too long");
    connection_count = atoi(argv[4]);
    connections = calloc((size_t)connection_count, sizeof *connections);
    int poll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < connection_count; i++) {
        connections[i].descriptor = connect_to(atoi(argv[1]));
        do_not_block(connections[i].descriptor);
        epoll_ctl(
            poll, EPOLL_CTL_ADD, connections[i].descriptor,
            &(struct epoll_event){.events = EPOLLIN, .data.ptr = &connections[i]});
    }
    int64_t took = now_ns();
    if (is_timed) {
        took = by_time(poll, atof(argv[6]));
    } else {
        if (is_paced) {
            at_pace(poll, atof(argv[6]), atof(argv[7]));
        } else {
            by_count(poll, atol(argv[6]));
        }
        took = now_ns() - took;
    }
    printf(
        "{\"requests\":%llu,\"failed\":%ld,\"seconds\":%.6f,\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"longest\":%.1f}\n",
        (unsigned long long)seen.count, failed, (double)took / 1e9, delay_at(&seen, 0.5),
        delay_at(&seen, 0.99), delay_at(&seen, 0.999), (double)seen.longest / 1e3);
    return 0;
}
