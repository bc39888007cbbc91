package import AgentModel
package import NIOCore

extension Record {
    /// A message for an MQTT topic.
    package init(topic: String, payload: ByteBuffer, qos: Int = 1, retain: Bool = false) {
        self.init(
            topic: topic, value: payload,
            options: [Option("qos", .integer(Int64(qos))), Option("retain", .flag(retain))])
    }
}
