// MQTT QoS 1 → QoS 1 in C over libmosquitto: each payload is published again as it is.
//
//   mqtt_pipe PORT FROM TO
//
// Prints a line once it has subscribed, and runs until it is ended. It is the floor, and so promises less than the host:
// a message is acknowledged whether or not the broker has taken the copy.
#include "mqtt_client.h"

static const char *to;

static void arrived(struct mosquitto *client, void *context, const struct mosquitto_message *message) {
    (void)context;
    must(mosquitto_publish(client, NULL, to, message->payloadlen, message->payload, 1, false));
}

int main(int argc, char **argv) {
    if (argc != 4) fail("usage: mqtt_pipe PORT FROM TO");
    to = argv[3];
    struct mosquitto *client = open_mqtt(argv[1], argv[2], arrived);
    printf("subscribed\n");
    fflush(stdout);
    for (;;) must(mosquitto_loop(client, 1000, 1));
}
