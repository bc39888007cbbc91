// Fills a topic, and tells when so many more messages stand in one.
//
//   kafka_load fill  BROKERS TOPIC PARTITIONS COUNT
//   kafka_load watch BROKERS TOPIC PARTITIONS COUNT
//
// A message has a key (device-000 to device-099) and 8 fields in 205 bytes; one partition after another gets one.
// `watch` prints a line when it has begun to look, and then "tenth NS" and "all NS", by the monotonic clock, once a tenth
// and all of COUNT more messages stand there. It asks the broker for the ends of the partitions, and reads no message.
#include <string.h>
#include <unistd.h>

#include "kafka_client.h"

enum { MESSAGE_BYTES = 205 };

static int write_message(char *bytes, size_t size, long number) {
    int head = snprintf(
        bytes, size,
        "{\"device_id\":\"device-%03ld\",\"patient_id\":\"patient-%06ld\",\"reading_type\":\"blood_pressure\",\"systolic\":%ld,"
        "\"diastolic\":%ld,\"unit\":\"mmHg\",\"seq\":%ld,\"note\":\"",
        number % 100, number % 1000, 100 + number % 80, 60 + number % 40, 100000 + number % 900000);
    int length = MESSAGE_BYTES - 2 - head;
    return head + snprintf(bytes + head, size - (size_t)head, "%-*s\"}", length, "seated, left arm");
}

static void fill(const char *brokers, const char *topic, int partitions, long count) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set_property(conf, "bootstrap.servers", brokers);
    set_property(conf, "linger.ms", "5");
    set_property(conf, "queue.buffering.max.messages", "1000000");
    rd_kafka_t *producer = open_client(RD_KAFKA_PRODUCER, conf);
    rd_kafka_topic_t *to = rd_kafka_topic_new(producer, topic, NULL);
    for (long i = 0; i < count; i++) {
        char value[256], key[32];
        int length = write_message(value, sizeof value, i), key_length = snprintf(key, sizeof key, "device-%03ld", i % 100);
        while (rd_kafka_produce(
            to, (int32_t)(i % partitions), RD_KAFKA_MSG_F_COPY, value, (size_t)length, key, (size_t)key_length, NULL))
            rd_kafka_poll(producer, 10);
        if (i % 1000 == 0) rd_kafka_poll(producer, 0);
    }
    if (rd_kafka_flush(producer, 60000)) fail("the broker did not take all messages");
    rd_kafka_topic_destroy(to);
    rd_kafka_destroy(producer);
}

/// How many messages have ever been put into the topic.
static int64_t written(rd_kafka_t *client, const char *topic, int partitions) {
    rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_new(partitions);
    for (int partition = 0; partition < partitions; partition++)
        rd_kafka_topic_partition_list_add(ends, topic, partition)->offset = RD_KAFKA_OFFSET_END;
    int64_t sum = 0;
    if (rd_kafka_offsets_for_times(client, ends, 10000)) {
        sum = -1;
    } else {
        for (int i = 0; i < ends->cnt; i++) sum += ends->elems[i].offset > 0 ? ends->elems[i].offset : 0;
    }
    rd_kafka_topic_partition_list_destroy(ends);
    return sum;
}

static void watch(const char *brokers, const char *topic, int partitions, long count) {
    rd_kafka_t *client = open_client(RD_KAFKA_CONSUMER, shared_properties(brokers));
    int64_t before = written(client, topic, partitions), seen = 0;
    if (before < 0) fail("the broker does not tell the ends of the partitions");
    printf("watching\n");
    fflush(stdout);
    for (int tenth = 0; seen < count;) {
        // A look costs the broker some 20 µs.
        usleep(tenth ? 2000 : 1000);
        int64_t now = written(client, topic, partitions);
        if (now < 0) fail("the broker does not tell the ends of the partitions");
        seen = now - before;
        if (!tenth && seen >= count / 10) {
            tenth = 1;
            printf("tenth %lld %lld\n", (long long)now_ns(), (long long)seen);
            fflush(stdout);
        }
    }
    printf("all %lld %lld\n", (long long)now_ns(), (long long)seen);
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 6) fail("usage: kafka_load fill|watch BROKERS TOPIC PARTITIONS COUNT");
    if (!strcmp(argv[1], "fill")) {
        fill(argv[2], argv[3], atoi(argv[4]), atol(argv[5]));
    } else {
        watch(argv[2], argv[3], atoi(argv[4]), atol(argv[5]));
    }
    return 0;
}
