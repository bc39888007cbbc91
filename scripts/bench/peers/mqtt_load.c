// Publishes messages with QoS 1, and counts what comes back on another topic; WINDOW of them are under way at a time. It
// begins when a message of every topic has come back.
//
//   mqtt_load PORT FROM TO WINDOW time SECONDS    after half a second of warming up
//   mqtt_load PORT FROM TO WINDOW count MESSAGES
//
// "%" in FROM becomes a number from 0 to 999, one after another. A payload has 8 fields in about 200 bytes. Prints
// "begin NS", "end NS" and a line of JSON, delays in µs from the publish to the message that came of it.
#include "mqtt_client.h"

enum { TOPICS = 1000 };

static const char *from;
static long sent, back, last;
/// Messages that ask whether everything is subscribed: the number of the pass, and how many of it have come back.
static long pass, probes_back;
static delays seen;

/// Publishes message `number`, or, with a negative one, a probe.
static void publish(struct mosquitto *client, long number, long topic_number) {
    char topic[256], payload[512];
    const char *sign = strchr(from, '%');
    if (sign) {
        snprintf(topic, sizeof topic, "%.*s%ld%s", (int)(sign - from), from, topic_number % TOPICS, sign + 1);
    } else {
        snprintf(topic, sizeof topic, "%s", from);
    }
    int length = snprintf(
        payload, sizeof payload,
        "{\"at\":%lld,\"device_id\":\"device-%03ld\",\"reading_type\":\"blood_pressure\",\"systolic\":%ld,\"diastolic\":%ld,"
        "\"unit\":\"mmHg\",\"seq\":%ld,\"note\":\"seated, left arm, after five minutes of rest\"}",
        (long long)now_ns(), topic_number % 100, 100 + topic_number % 80, 60 + topic_number % 40,
        number < 0 ? number : 100000 + number);
    must(mosquitto_publish(client, NULL, topic, length, payload, 1, false));
}

static void arrived(struct mosquitto *client, void *context, const struct mosquitto_message *message) {
    (void)client;
    (void)context;
    char text[512];
    size_t length = (size_t)message->payloadlen < sizeof text - 1 ? (size_t)message->payloadlen : sizeof text - 1;
    memcpy(text, message->payload, length);
    text[length] = 0;
    const char *at = strstr(text, "\"at\":"), *seq = strstr(text, "\"seq\":");
    if (!at || !seq) fail("something else has come back");
    const long value = strtol(seq + 6, NULL, 10), number = value - 100000;
    if (value < 0) {
        probes_back += value == -pass;
        return;
    }
    add_delay(&seen, now_ns() - strtoll(at + 5, NULL, 10));
    // One topic keeps its order, and loses nothing.
    if (!strchr(from, '%') && number != last++) fail("a message is missing, or came twice or out of order");
    back++;
}

/// Waits until a message of every topic comes back: a broker drops what nobody has subscribed to yet.
static void settle(struct mosquitto *client) {
    const long count = strchr(from, '%') ? TOPICS : 1;
    for (const int64_t began = now_ns(); probes_back < count;) {
        if (now_ns() - began > 60000000000LL) fail("for a minute not every topic has been subscribed to");
        pass++;
        probes_back = 0;
        for (long i = 0; i < count; i++) publish(client, -pass, i);
        for (const int64_t until = now_ns() + 1000000000LL; probes_back < count && now_ns() < until;)
            must(mosquitto_loop(client, 10, 1));
    }
}

static void run(struct mosquitto *client, int window, int64_t until, long messages) {
    long seen_back = back;
    for (int64_t now = now_ns(), alive = now; now < until && back < messages; now = now_ns()) {
        for (; sent - back < window && sent < messages; sent++) publish(client, sent, sent);
        must(mosquitto_loop(client, 1000, 1));
        if (back != seen_back) alive = now;
        seen_back = back;
        if (now - alive > 30000000000LL) fail("messages are missing: for 30 s nothing has come back");
    }
}

int main(int argc, char **argv) {
    if (argc != 7) fail("usage: mqtt_load PORT FROM TO WINDOW (time|count) N");
    from = argv[2];
    struct mosquitto *client = open_mqtt(argv[1], argv[3], arrived);
    const int window = atoi(argv[4]);
    const double amount = atof(argv[6]);
    settle(client);
    int64_t began = now_ns();
    long warm = 0;
    if (!strcmp(argv[5], "time")) {
        run(client, window, began + 500000000LL, INT64_MAX);
        memset(&seen, 0, sizeof seen);
        began = now_ns();
        warm = back;
        printf("begin %lld\n", (long long)began);
        fflush(stdout);
        run(client, window, began + (int64_t)(amount * 1e9), INT64_MAX);
    } else {
        run(client, window, INT64_MAX, (long)amount);
    }
    const int64_t ended = now_ns();
    const long count = back - warm;
    printf("end %lld\n", (long long)ended);
    fflush(stdout);
    // What is still under way is awaited, so that it is in nobody's next figures.
    run(client, window, INT64_MAX, sent);
    printf(
        "{\"messages\":%ld,\"seconds\":%.6f,\"p50\":%.1f,\"p99\":%.1f}\n", count, (double)(ended - began) / 1e9,
        delay_at(&seen, 0.5), delay_at(&seen, 0.99));
    mosquitto_disconnect(client);
    return 0;
}
