// librdkafka's mock cluster, a broker in memory, as a process of its own.
//
//   mock_broker TOPIC:PARTITIONS …
//
// Prints its address, and runs until it is ended. It keeps 5 MiB of each partition; what is older goes without a word.
#define _GNU_SOURCE
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

/// In the place of libc's: the mock cluster leaves Nagle's algorithm on, and its answers then wait for up to 40 ms.
int accept(int listener, struct sockaddr *restrict address, socklen_t *restrict length) {
    int connection = accept4(listener, address, length, 0), on = 1;
    if (connection >= 0) setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return connection;
}

int main(int argc, char **argv) {
    char error[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, NULL);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (!client) fail(error);
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(client, 1);
    if (!cluster) fail("no mock cluster");
    for (int i = 1; i < argc; i++) {
        char *colon = strchr(argv[i], ':');
        if (!colon) fail("usage: mock_broker TOPIC:PARTITIONS …");
        *colon = 0;
        if (rd_kafka_mock_topic_create(cluster, argv[i], atoi(colon + 1), 1)) fail("a topic was refused");
    }
    printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    fflush(stdout);
    for (;;) pause();
}
