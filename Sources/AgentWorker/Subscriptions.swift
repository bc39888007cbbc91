import AgentModel
import AgentScript

/// The Kafka topics and MQTT filters that agents want.
package struct Subscriptions: Sendable, Equatable {
    /// Topics whose messages are shared among the hosts of the consumer group.
    package var kafka: Set<String> = []
    /// Topics of which every host gets every message.
    package var kafkaEvery: Set<String> = []
    package var mqtt: Set<String> = []
    /// Topics of handlers without a `source`: also in `kafka` or `kafkaEvery`, and in `mqtt`.
    private var either: Set<String> = []
    /// Scripts send, or may: they name `send_kafka`, or topics that they write are configured.
    package private(set) var sendsKafka = false
    /// Scripts name `send_mqtt`.
    package private(set) var sendsMQTT = false

    package init() {}

    /// `besideMQTT`: an MQTT broker is configured, which is enough for handlers without a `source`.
    package func needsKafka(besideMQTT: Bool) -> Bool {
        sendsKafka || !kafka.union(kafkaEvery).subtracting(besideMQTT ? either : []).isEmpty
    }

    /// As `needsKafka`.
    package func needsMQTT(besideKafka: Bool) -> Bool {
        sendsMQTT || !mqtt.subtracting(besideKafka ? either : []).isEmpty
    }

    /// Without Kafka, the topics that get no messages, and those that MQTT serves where it is there.
    package func withoutKafka(butMQTT hasMQTT: Bool) -> (silent: [String], elsewhere: [String]) {
        Self.split(kafka.union(kafkaEvery), hasMQTT ? either : [])
    }

    /// As `withoutKafka`.
    package func withoutMQTT(butKafka hasKafka: Bool) -> (silent: [String], elsewhere: [String]) {
        Self.split(mqtt, hasKafka ? either : [])
    }

    private static func split(_ topics: Set<String>, _ served: Set<String>) -> (silent: [String], elsewhere: [String]) {
        (topics.subtracting(served).sorted(), topics.intersection(served).sorted())
    }

    package var all: Set<String> { kafka.union(kafkaEvery).union(mqtt) }

    init(_ handlers: HandlerTable, _ settings: AgentSettings, _ snapshot: ScriptSnapshot) {
        sendsKafka = snapshot.mentions("send_kafka") || settings.values["produce_topics"]?.arrayValue?.isEmpty == false
        sendsMQTT = snapshot.mentions("send_mqtt")
        for handler in handlers.messages {
            if handler.sources.contains(.kafka) {
                if handler.deliversToEvery {
                    kafkaEvery.insert(handler.filter.text)
                } else {
                    kafka.insert(handler.filter.text)
                }
            }
            if handler.sources.contains(.mqtt) { mqtt.insert(handler.filter.text) }
            if handler.source == nil, kafka.union(kafkaEvery).contains(handler.filter.text) {
                either.insert(handler.filter.text)
            }
        }
        kafka.formUnion(settings.streamingTopics)
        kafka.subtract(kafkaEvery)
        mqtt.formUnion(settings.mqttTopics)
    }

    package mutating func formUnion(_ other: Subscriptions) {
        kafka.formUnion(other.kafka)
        kafkaEvery.formUnion(other.kafkaEvery)
        mqtt.formUnion(other.mqtt)
        either.formUnion(other.either)
        sendsKafka = sendsKafka || other.sendsKafka
        sendsMQTT = sendsMQTT || other.sendsMQTT
    }
}
