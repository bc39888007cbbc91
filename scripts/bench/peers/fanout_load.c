// WebSockets that listen, and publishers on the same thread that send each their next message when the one before is
// answered.
//
//   fanout_load PORT PATH SOCKETS                                         holds them, and reads, until it is ended
//   fanout_load PORT PATH SOCKETS PUBLISHERS PUBLISH_PATH time SECONDS    after half a second of warming up
//   fanout_load PORT PATH SOCKETS PUBLISHERS PUBLISH_PATH count MESSAGES
//
// A message is a POST of {"at": NS, "text": …}, about 120 bytes, with NS in the header X-At as well. "%" in PUBLISH_PATH
// becomes a number from 0 to 999, one after another; each of these messages is one socket's, others are for all. Prints
// {"connected": N} once all are open, "begin NS" and "end NS", then a line of JSON: deliveries, how long they took in µs
// (those of the first socket), and how many were lost.
#define _GNU_SOURCE
#include "sockets.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>

enum { HEAD = 14, PROBE = 1024, TOPICS = 1000 };

typedef struct {
    int descriptor;
    int is_publisher;
    // Of a listener: the frame that is being read.
    int opcode, head_count;
    unsigned char head[HEAD];
    uint64_t left;
    // Of the first listener the payload; of a publisher the answer.
    size_t kept;
    char *bytes;
} peer;

static int port, socket_count;
static const char *publish_path;
static uint64_t frames, publishes, refused;
static delays seen;

static void open_listener(peer *one, const char *path) {
    char text[512], answer[2048];
    one->descriptor = connect_to(port);
    int length = snprintf(
        text, sizeof text,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        path, port);
    write_all(one->descriptor, text, (size_t)length);
    // The head is looked at before it is taken, so that frames behind it stay in the socket.
    for (;;) {
        ssize_t count = recv(one->descriptor, answer, sizeof answer - 1, MSG_PEEK);
        if (count <= 0) fail("closed instead of an upgrade");
        answer[count] = 0;
        const char *end = memmem(answer, (size_t)count, "\r\n\r\n", 4);
        if (!end) continue;
        if (strncmp(answer, "HTTP/1.1 101", 12)) fail(answer);
        if (read(one->descriptor, answer, (size_t)(end - answer) + 4) < 0) fail("cannot read");
        break;
    }
    do_not_block(one->descriptor);
}

static void publish(peer *one) {
    char path[256], body[256], text[1024];
    const long long now = now_ns();
    const char *sign = strchr(publish_path, '%');
    if (sign) {
        snprintf(path, sizeof path, "%.*s%d%s", (int)(sign - publish_path), publish_path, (int)(publishes % TOPICS), sign + 1);
    } else {
        snprintf(path, sizeof path, "%s", publish_path);
    }
    int size = snprintf(
        body, sizeof body,
        "{\"at\":%lld,\"text\":\"What a sensor said, or somebody who typed; it is as long as such things often are.\"}",
        now);
    int length = snprintf(
        text, sizeof text,
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nX-At: %lld\r\n"
        "Content-Length: %d\r\n\r\n%s",
        path, port, now, size, body);
    write_all(one->descriptor, text, (size_t)length);
    publishes++;
}

/// A whole text or binary frame has come; only those count that hold a message of ours.
static void arrived(peer *one) {
    frames++;
    if (!one->bytes) return;
    one->bytes[one->kept] = 0;
    const char *at = strstr(one->bytes, "\"at\":");
    if (at) add_delay(&seen, now_ns() - strtoll(at + 5, NULL, 10));
}

static void read_frames(peer *one, const char *bytes, size_t count) {
    for (size_t i = 0; i < count;) {
        if (one->left) {
            size_t part = one->left < count - i ? (size_t)one->left : count - i;
            if (one->bytes) {
                size_t kept = part < PROBE - 1 - one->kept ? part : PROBE - 1 - one->kept;
                memcpy(one->bytes + one->kept, bytes + i, kept);
                one->kept += kept;
            }
            i += part;
            one->left -= part;
            if (!one->left && one->opcode <= 2) arrived(one);
            continue;
        }
        one->head[one->head_count++] = (unsigned char)bytes[i++];
        if (one->head_count < 2) continue;
        const int small = one->head[1] & 127, size = small == 126 ? 4 : small == 127 ? 10 : 2;
        if (one->head_count < size) continue;
        one->left = size == 2 ? (uint64_t)small : 0;
        for (int byte = 2; byte < size; byte++) one->left = one->left << 8 | one->head[byte];
        one->opcode = one->head[0] & 15;
        one->head_count = 0;
        one->kept = 0;
        if (one->opcode == 8) fail("the server closed a WebSocket: it was too slow");
        // An empty pong, masked with zeros, for a server that pings.
        if (one->opcode == 9) write_all(one->descriptor, "\x8a\x80\0\0\0\0", 6);
        if (!one->left && one->opcode <= 2) arrived(one);
    }
}

/// What is there to read. `next`: publishers go on.
static void take(peer *one, int next) {
    static char bytes[1 << 18];
    ssize_t count = read(one->descriptor, bytes, sizeof bytes);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) fail(one->is_publisher ? "the server closed a publisher's connection" : "the server cut off a WebSocket");
    if (!one->is_publisher) {
        read_frames(one, bytes, (size_t)count);
        return;
    }
    if (one->kept + (size_t)count > PROBE) fail("a publisher's answer is too long");
    memcpy(one->bytes + one->kept, bytes, (size_t)count);
    one->kept += (size_t)count;
    int status = 0;
    if (!answer_length(one->bytes, one->kept, &status)) return;
    refused += status != 200;
    one->kept = 0;
    if (next) publish(one);
}

/// Serves the sockets until the moment, or until `wanted` frames have come, or nothing has for `idle` ms.
static void serve(int poll, int64_t until, uint64_t wanted, int idle, long messages) {
    struct epoll_event events[512];
    while (now_ns() < until && frames < wanted) {
        int count = epoll_wait(poll, events, 512, idle);
        if (count == 0) return;
        for (int i = 0; i < count; i++) take(events[i].data.ptr, (long)publishes < messages);
    }
}

int main(int argc, char **argv) {
    if (argc != 4 && argc != 8) fail("usage: fanout_load PORT PATH SOCKETS [PUBLISHERS PUBLISH_PATH (time|count) N]");
    port = atoi(argv[1]);
    socket_count = atoi(argv[3]);
    const int publishers = argc == 8 ? atoi(argv[4]) : 0, all = socket_count + publishers;
    signal(SIGPIPE, SIG_IGN);
    peer *peers = calloc((size_t)all, sizeof *peers);
    int poll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < all; i++) {
        peer *one = &peers[i];
        if (i < socket_count) {
            open_listener(one, argv[2]);
        } else {
            one->is_publisher = 1;
            one->descriptor = connect_to(port);
            do_not_block(one->descriptor);
        }
        if (one->is_publisher || (i == 0 && publishers)) one->bytes = malloc(PROBE + 1);
        epoll_ctl(poll, EPOLL_CTL_ADD, one->descriptor, &(struct epoll_event){.events = EPOLLIN, .data.ptr = one});
    }
    printf("{\"connected\":%d}\n", socket_count);
    fflush(stdout);
    if (!publishers) serve(poll, INT64_MAX, UINT64_MAX, -1, 0);

    // What a server says of itself on a new connection.
    serve(poll, now_ns() + 5000000000LL, UINT64_MAX, 300, 0);
    publish_path = argv[5];
    const int by_time = !strcmp(argv[6], "time");
    // How many sockets a message goes to.
    const uint64_t wide = strchr(publish_path, '%') ? 1 : (uint64_t)socket_count;
    const double amount = atof(argv[7]);
    const uint64_t before = frames;
    for (int i = socket_count; i < all; i++) publish(&peers[i]);
    int64_t began = now_ns();
    uint64_t warm = frames;
    if (by_time) {
        serve(poll, began + 500000000LL, UINT64_MAX, 60000, INT64_MAX);
        memset(&seen, 0, sizeof seen);
        began = now_ns();
        warm = frames;
        printf("begin %lld\n", (long long)began);
        fflush(stdout);
        serve(poll, began + (int64_t)(amount * 1e9), UINT64_MAX, 60000, INT64_MAX);
    } else {
        serve(poll, INT64_MAX, before + (uint64_t)amount * wide, 60000, (long)amount);
    }
    const double seconds = (double)(now_ns() - began) / 1e9, deliveries = (double)(frames - warm);
    printf("end %lld\n", (long long)now_ns());
    fflush(stdout);
    serve(poll, now_ns() + 30000000000LL, UINT64_MAX, 500, 0);
    const uint64_t due = publishes * wide;
    printf(
        "{\"deliveries\":%.0f,\"seconds\":%.6f,\"publishes\":%llu,\"refused\":%llu,\"lost\":%lld,\"p50\":%.1f,\"p99\":%.1f}\n",
        deliveries, seconds, (unsigned long long)publishes, (unsigned long long)refused,
        (long long)(due - (frames - before)), delay_at(&seen, 0.5), delay_at(&seen, 0.99));
    return 0;
}
