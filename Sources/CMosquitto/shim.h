#ifndef AGENTHOST_CMOSQUITTO_SHIM_H
#define AGENTHOST_CMOSQUITTO_SHIM_H

#include <mosquitto.h>
#include <sys/prctl.h>

/* Linux functions that the platform's own module leaves out, being behind _GNU_SOURCE. */
extern int pipe2(int ends[2], int flags);

/* prctl is variadic, which Swift cannot call. At most 15 bytes of the name are kept. */
static inline void agenthost_name_thread(const char *name) {
    (void)prctl(PR_SET_NAME, (unsigned long)name, 0UL, 0UL, 0UL);
}

#endif
