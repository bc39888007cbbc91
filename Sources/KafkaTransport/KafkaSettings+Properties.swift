internal import AgentModel
internal import CRdkafka
import NIOCore

extension KafkaSettings {
    enum Role: String {
        case consumer
        case producer
    }

    /// The librdkafka properties for a client, in the order in which they are set; a later one wins.
    ///
    /// The assignment is eager by default ("roundrobin", then "range"): in librdkafka 2.0.2 the cooperative protocol can
    /// hang a close before the first assignment (#4381), which `KafkaConsumer.closeTimeout` ends, and it needs two
    /// rebalances where one does.
    func properties(for role: Role) -> [(name: String, value: String)] {
        var properties = [
            ("bootstrap.servers", bootstrapServers),
            ("client.id", clientID),
            ("security.protocol", securityProtocol.lowercased()),
            // Of a producer the largest record; a consumer's limits of a whole answer follow it by themselves.
            ("message.max.bytes", String(messageMaxBytes)),
            ("socket.nagle.disable", "true"),
            ("socket.keepalive.enable", "true"),
            // A broker that is frozen, or cut off without a word, is given up when a request is not answered for so long.
            ("socket.timeout.ms", "30000"),
            ("reconnect.backoff.ms", isEmbedded ? "20" : "100"),
            ("reconnect.backoff.max.ms", isEmbedded ? "250" : "2000"),
            // librdkafka's own default for its default interval. With 3 times the short intervals below, what is known
            // of a topic would expire while a group is being joined, which starts the join again.
            ("metadata.max.age.ms", "900000"),
            ("log.connection.close", "false"),
            ("log.queue", "true"),
            // Once a second the state of each broker connection, which nothing else in the library tells.
            ("statistics.interval.ms", "1000"),
        ]
        if securityProtocol.lowercased().hasPrefix("sasl") {
            properties.append(("sasl.mechanism", saslMechanism ?? "PLAIN"))
            if let username { properties.append(("sasl.username", username)) }
            if let password { properties.append(("sasl.password", password.exposed)) }
        }
        if let tls, securityProtocol.lowercased().hasSuffix("ssl") { properties += Self.properties(of: tls) }
        switch role {
        case .consumer: properties += consumerProperties
        case .producer: properties += producerProperties
        }
        return properties + overrides.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// By path: given as text, librdkafka 2.0.2 reads one certificate and passes over the intermediate ones behind it.
    /// That the broker's certificate is trusted and for its name is checked by default.
    private static func properties(of tls: TLSFiles) -> [(String, String)] {
        [
            ("ssl.ca.location", tls.authority?.path), ("ssl.certificate.location", tls.certificate?.path),
            ("ssl.key.location", tls.key?.path), ("ssl.key.password", tls.keyPassword),
        ].compactMap { name, value in value.map { (name, $0) } }
    }

    private var consumerProperties: [(String, String)] {
        [
            ("group.id", groupID),
            ("enable.auto.offset.store", "false"),
            ("enable.auto.commit", assignment == .group ? "true" : "false"),
            // The mock cluster refuses every commit from the moment that another member joins, where a broker takes the
            // last one of the old assignment. What settled since the last commit is then delivered twice: keep it
            // little.
            ("auto.commit.interval.ms", String(isEmbedded ? min(commitMilliseconds, 100) : commitMilliseconds)),
            ("auto.offset.reset", autoOffsetReset),
            ("partition.assignment.strategy", assignor),
            // The mock cluster lets a rebalance of a group that is up take this long, less a second.
            ("session.timeout.ms", String(sessionMilliseconds)),
            ("heartbeat.interval.ms", String(isEmbedded ? 200 : min(1_000, sessionMilliseconds / 3))),
            // librdkafka wants it to be no less than the session time-out.
            ("max.poll.interval.ms", String(max(300_000, sessionMilliseconds))),
            // A topic made after the subscription is to be seen within 5 s. A refresh that meets the look-up at the end
            // of a join starts the join again in 2.0.2, and the mock cluster's joins last whole seconds: keep apart.
            ("topic.metadata.refresh.interval.ms", isEmbedded ? "1300" : "2000"),
            ("allow.auto.create.topics", String(allowsAutoCreateTopics ?? isEmbedded)),
            // What is asked for of a partition; a larger record comes all the same, alone (KIP-74).
            ("fetch.message.max.bytes", String(max(messageMaxBytes, 1_048_576))),
            // The mock cluster holds an empty fetch this long, whatever arrives meanwhile.
            ("fetch.wait.max.ms", isEmbedded ? "10" : "500"),
            // In 2.0.2 also the wait of a partition whose local queue was full.
            ("fetch.error.backoff.ms", isEmbedded ? "10" : "100"),
            // Once the queue holds this much, 2.0.2 looks at it again only a second later: it must hold a second's
            // work.
            ("queued.min.messages", "300000"),
            ("queued.max.messages.kbytes", "49152"),
        ] + (groupInstanceID.map { [("group.instance.id", $0)] } ?? [])
    }

    private var commitMilliseconds: Int64 { max(1, TimeAmount(commitInterval).nanoseconds / 1_000_000) }

    private var sessionMilliseconds: Int64 {
        sessionTimeout.map { max(1, TimeAmount($0).nanoseconds / 1_000_000) } ?? (isEmbedded ? 3_000 : 10_000)
    }

    private var producerProperties: [(String, String)] {
        [
            ("enable.idempotence", "true"),
            ("acks", "all"),
            ("linger.ms", "5"),
            // A topic that was refused, or did not exist, is refused at once until the next refresh.
            ("topic.metadata.refresh.interval.ms", isEmbedded ? "1000" : "10000"),
            // A broker that is away delays a record for as long as it takes; only a refusal fails it.
            ("message.timeout.ms", "0"),
            ("queue.buffering.max.messages", String(KafkaProducer.maximumQueuedRecords)),
            // Room for some records of the largest size at least.
            (
                "queue.buffering.max.kbytes",
                String(min(2_097_151, max(KafkaProducer.maximumQueuedBytes, 4 * messageMaxBytes) / 1024))
            ),
            ("compression.codec", compression),
            // The partition that Java clients choose for the same key.
            ("partitioner", "murmur2_random"),
        ]
    }

    /// Whether librdkafka takes every property, without making a client.
    ///
    /// - Throws: `KafkaError` as `makeConfiguration`.
    func checkProperties(for role: Role) throws(KafkaError) {
        rd_kafka_conf_destroy(try makeConfiguration(for: role))
    }

    /// A new `rd_kafka_conf_t`, owned by the caller.
    ///
    /// - Throws: `KafkaError` that names the property librdkafka refuses, and its value unless that is a secret.
    func makeConfiguration(for role: Role) throws(KafkaError) -> OpaquePointer {
        guard let configuration = rd_kafka_conf_new() else {
            throw KafkaError(.client, "librdkafka gave no configuration object")
        }
        for (name, value) in properties(for: role) {
            var reason = [CChar](repeating: 0, count: 512)
            let result = rd_kafka_conf_set(configuration, name, value, &reason, reason.count)
            guard result != RD_KAFKA_CONF_OK else { continue }
            rd_kafka_conf_destroy(configuration)
            let text = Self.isSecret(property: name) ? "its value was refused" : String(nulTerminated: reason)
            throw KafkaError(.configuration, "the Kafka property \(name) was refused: \(text)")
        }
        return configuration
    }
}

extension String {
    /// The text before the first NUL.
    init(nulTerminated characters: [CChar]) {
        self.init(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
