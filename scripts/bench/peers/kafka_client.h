// A librdkafka client with the settings of the host's own (Sources/KafkaTransport/KafkaSettings+Properties.swift).
#pragma once

#include <librdkafka/rdkafka.h>
#include <stddef.h>

#include "clock.h"

static inline void set_property(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char error[256];
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) fail(error);
}

static inline rd_kafka_t *open_client(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
    char error[256];
    rd_kafka_t *client = rd_kafka_new(type, conf, error, sizeof error);
    if (!client) fail(error);
    return client;
}

static inline rd_kafka_conf_t *shared_properties(const char *brokers) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set_property(conf, "bootstrap.servers", brokers);
    set_property(conf, "socket.nagle.disable", "true");
    set_property(conf, "log.connection.close", "false");
    set_property(conf, "metadata.max.age.ms", "900000");
    set_property(conf, "statistics.interval.ms", "1000");
    return conf;
}

static inline rd_kafka_t *open_consumer(const char *brokers, const char *group) {
    rd_kafka_conf_t *conf = shared_properties(brokers);
    set_property(conf, "group.id", group);
    set_property(conf, "enable.auto.offset.store", "false");
    set_property(conf, "auto.commit.interval.ms", "1000");
    set_property(conf, "auto.offset.reset", "earliest");
    set_property(conf, "partition.assignment.strategy", "roundrobin,range");
    set_property(conf, "session.timeout.ms", "10000");
    set_property(conf, "heartbeat.interval.ms", "1000");
    set_property(conf, "topic.metadata.refresh.interval.ms", "2000");
    set_property(conf, "fetch.wait.max.ms", "500");
    set_property(conf, "fetch.error.backoff.ms", "100");
    set_property(conf, "queued.min.messages", "300000");
    set_property(conf, "queued.max.messages.kbytes", "49152");
    rd_kafka_t *consumer = open_client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(consumer);
    return consumer;
}

static inline rd_kafka_t *open_producer(const char *brokers) {
    rd_kafka_conf_t *conf = shared_properties(brokers);
    set_property(conf, "enable.idempotence", "true");
    set_property(conf, "acks", "all");
    set_property(conf, "linger.ms", "5");
    set_property(conf, "topic.metadata.refresh.interval.ms", "10000");
    set_property(conf, "message.timeout.ms", "0");
    set_property(conf, "queue.buffering.max.messages", "1000000");
    set_property(conf, "partitioner", "murmur2_random");
    return open_client(RD_KAFKA_PRODUCER, conf);
}
