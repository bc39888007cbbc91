// Consume → produce in C over librdkafka: each message is copied once, with its key, and nothing of it is looked at.
//
//   kafka_pipe BROKERS FROM TO GROUP
//
// Runs until it is ended. It is the floor, and so promises less than the host: an offset is stored once the copy is
// queued, whether or not the broker takes it.
#include <signal.h>

#include "kafka_client.h"

static volatile sig_atomic_t ended = 0;

static void end(int signal) {
    (void)signal;
    ended = 1;
}

int main(int argc, char **argv) {
    if (argc != 5) fail("usage: kafka_pipe BROKERS FROM TO GROUP");
    signal(SIGTERM, end);
    rd_kafka_t *consumer = open_consumer(argv[1], argv[4]), *producer = open_producer(argv[1]);
    rd_kafka_topic_t *to = rd_kafka_topic_new(producer, argv[3], NULL);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, argv[2], RD_KAFKA_PARTITION_UA);
    rd_kafka_subscribe(consumer, topics);

    for (long count = 0; !ended;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 10);
        if (!message || ++count % 1000 == 0) rd_kafka_poll(producer, 0);
        if (!message) continue;
        if (!message->err) {
            while (rd_kafka_produce(
                to, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, message->payload, message->len, message->key,
                message->key_len, NULL))
                rd_kafka_poll(producer, 10);
            rd_kafka_offset_store(message->rkt, message->partition, message->offset);
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_flush(producer, 10000);
    rd_kafka_consumer_close(consumer);
    return 0;
}
