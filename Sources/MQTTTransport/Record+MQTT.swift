package import AgentModel
package import NIOCore

extension Record {
    /// A message for an MQTT topic.
    package init(topic: String, payload: ByteBuffer, qos: Int = 1, retain: Bool = false) {
        self.init(
            topic: topic, value: payload,
            options: [Option("qos", .integer(Int64(qos))), Option("retain", .flag(retain))])
    }

    /// MQTT has no message without a payload.
    package var payload: ByteBuffer { value ?? ByteBuffer() }
    /// Quality of service, 0 to 2; 1 unless it says otherwise.
    package var qos: Int { integer("qos").map { Int($0) } ?? 1 }
    /// Whether the broker keeps it for those who subscribe later.
    package var retain: Bool { flag("retain") ?? false }
}
