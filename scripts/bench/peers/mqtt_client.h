// A libmosquitto client that has subscribed, and its loop.
#pragma once

#include <mosquitto.h>
#include <string.h>

#include "clock.h"

static inline void must(int code) {
    if (code != MOSQ_ERR_SUCCESS) fail(mosquitto_strerror(code));
}

static inline void subscribed(struct mosquitto *client, void *done, int id, int count, const int *granted) {
    (void)client;
    (void)id;
    (void)count;
    (void)granted;
    *(int *)done = 1;
}

/// A client that is connected and has subscribed to the topic with QoS 1; `arrived` hears of its messages.
static inline struct mosquitto *open_mqtt(
    const char *port, const char *topic,
    void (*arrived)(struct mosquitto *, void *, const struct mosquitto_message *)) {
    int done = 0;
    mosquitto_lib_init();
    struct mosquitto *client = mosquitto_new(NULL, true, &done);
    if (!client) fail("no client");
    mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_max_inflight_messages_set(client, 0);
    mosquitto_message_callback_set(client, arrived);
    mosquitto_subscribe_callback_set(client, subscribed);
    must(mosquitto_connect(client, "127.0.0.1", atoi(port), 60));
    must(mosquitto_subscribe(client, NULL, topic, 1));
    while (!done) must(mosquitto_loop(client, 100, 1));
    return client;
}
