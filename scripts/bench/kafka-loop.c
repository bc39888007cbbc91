// The measure for consume → Lua → produce: the same in C, over librdkafka, copying each message once.
//
//   kafka-loop BROKERS FROM TO COUNT
//
// Prints the seconds from the first tenth of the messages to the last acknowledgement, and the processor time of these.
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static long acknowledged = 0;

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client;
    (void)opaque;
    if (!message->err) acknowledged++;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static double processor(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char error[256];
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "%s\n", error);
        exit(2);
    }
}

static rd_kafka_t *open_client(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
    char error[256];
    rd_kafka_t *client = rd_kafka_new(type, conf, error, sizeof error);
    if (client) return client;
    fprintf(stderr, "%s\n", error);
    exit(2);
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    const long count = atol(argv[4]);
    char group[64];
    snprintf(group, sizeof group, "loop-%ld", (long)time(NULL));

    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", argv[1]);
    set(conf, "group.id", group);
    set(conf, "auto.offset.reset", "earliest");
    set(conf, "enable.auto.offset.store", "false");
    set(conf, "fetch.wait.max.ms", "10");
    rd_kafka_t *consumer = open_client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(consumer);

    conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", argv[1]);
    set(conf, "enable.idempotence", "true");
    set(conf, "linger.ms", "5");
    set(conf, "queue.buffering.max.messages", "1000000");
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_t *producer = open_client(RD_KAFKA_PRODUCER, conf);

    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, argv[2], RD_KAFKA_PARTITION_UA);
    rd_kafka_subscribe(consumer, topics);

    long taken = 0;
    double began = 0, used = 0;
    while (acknowledged < count) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, taken < count ? 10 : 0);
        rd_kafka_poll(producer, taken < count ? 0 : 1);
        if (!message) continue;
        if (!message->err) {
            if (++taken == count / 10) {
                began = now();
                used = processor();
            }
            rd_kafka_producev(
                producer, RD_KAFKA_V_TOPIC(argv[3]), RD_KAFKA_V_PARTITION(message->partition),
                RD_KAFKA_V_VALUE(message->payload, message->len), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
            rd_kafka_topic_partition_list_t *offset = rd_kafka_topic_partition_list_new(1);
            rd_kafka_topic_partition_list_add(offset, argv[2], message->partition)->offset = message->offset + 1;
            rd_kafka_offsets_store(consumer, offset);
            rd_kafka_topic_partition_list_destroy(offset);
        }
        rd_kafka_message_destroy(message);
    }
    printf("%.6f %.6f\n", now() - began, processor() - used);
    return 0;
}
