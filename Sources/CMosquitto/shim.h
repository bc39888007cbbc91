#ifndef AGENTHOST_CMOSQUITTO_SHIM_H
#define AGENTHOST_CMOSQUITTO_SHIM_H

#include <errno.h>
#include <mosquitto.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* Linux functions that the platform's own module leaves out, being behind _GNU_SOURCE. */
extern int pipe2(int ends[2], int flags);

/* prctl is variadic, which Swift cannot call. At most 15 bytes of the name are kept. */
static inline void agenthost_name_thread(const char *name) {
    (void)prctl(PR_SET_NAME, (unsigned long)name, 0UL, 0UL, 0UL);
}

/* Of OpenSSL, which libmosquitto is linked with. */
extern int SSL_write(void *tls, const void *bytes, int count);

/*
 * Writes a PINGREQ (MQTT 3.1.1 section 3.12) past what the library has queued; only between two packets.
 * 1: written. 0: not now, the socket takes nothing. -1: the connection is broken.
 */
static inline int agenthost_mosquitto_ping(struct mosquitto *client) {
    static const unsigned char packet[] = {0xC0, 0x00};
    int const size = sizeof packet;
    void *tls = mosquitto_ssl_get(client);
    if (tls != 0) return SSL_write(tls, packet, size) == size ? 1 : -1;
    ssize_t written = send(mosquitto_socket(client), packet, sizeof packet, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written == size) return 1;
    return written < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

#endif
