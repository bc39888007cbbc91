// TCP connections to a port of this machine, for the programs that make load.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

static inline int connect_to(int port) {
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address)) fail("cannot connect");
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return descriptor;
}

static inline void write_all(int descriptor, const char *bytes, size_t length) {
    if (write(descriptor, bytes, length) != (ssize_t)length) fail("cannot write");
}

static inline void do_not_block(int descriptor) {
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

/// Where an answer that the buffer begins with ends, or 0 when it is not whole; `status` is set then.
static inline size_t answer_length(const char *bytes, size_t count, int *status) {
    const char *end = memmem(bytes, count, "\r\n\r\n", 4);
    if (!end) return 0;
    const size_t head = (size_t)(end - bytes) + 4;
    size_t body = 0;
    for (const char *line = bytes; line < end; line++) {
        if (!strncasecmp(line, "content-length:", 15)) {
            body = strtoul(line + 15, NULL, 10);
            break;
        }
        line = memchr(line, '\n', (size_t)(end + 4 - line));
    }
    if (head + body > count) return 0;
    *status = atoi(bytes + 9);
    return head + body;
}
