import AgentModel
import AgentScript

/// The Kafka topics and MQTT filters that agents want.
package struct Subscriptions: Sendable, Equatable {
    /// Topics whose messages are shared among the hosts of the consumer group.
    package var kafka: Set<String> = []
    /// Topics of which every host gets every message.
    package var kafkaEvery: Set<String> = []
    package var mqtt: Set<String> = []

    package init() {}

    var all: Set<String> { kafka.union(kafkaEvery).union(mqtt) }

    /// A handler without a `source` subscribes its topic on whichever of the two is there: Kafka where the name is one
    /// that Kafka allows, MQTT always.
    init(_ handlers: HandlerTable, _ settings: AgentSettings) {
        for handler in handlers.messages {
            if handler.source != .mqtt, !handler.filter.hasWildcards, KafkaTopicName.isValid(handler.filter.text) {
                if handler.deliversToEvery {
                    kafkaEvery.insert(handler.filter.text)
                } else {
                    kafka.insert(handler.filter.text)
                }
            }
            if handler.source != .kafka { mqtt.insert(handler.filter.text) }
        }
        kafka.formUnion(settings.streamingTopics)
        kafka.subtract(kafkaEvery)
        mqtt.formUnion(settings.mqttTopics)
    }

    package mutating func formUnion(_ other: Subscriptions) {
        kafka.formUnion(other.kafka)
        kafkaEvery.formUnion(other.kafkaEvery)
        mqtt.formUnion(other.mqtt)
    }
}
