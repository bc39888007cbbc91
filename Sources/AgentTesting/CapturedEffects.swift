import AgentModel
import NIOCore

/// What the agent under test has done to the world since the test began. Confined to the thread of its file.
final class CapturedEffects {
    var kafka: [KafkaRecord] = []
    var mqtt: [MQTTPublication] = []
    var events: [RealtimeEvent] = []
    var published: [(topic: String, data: ByteBuffer)] = []
    var broadcasts: [(type: String, payload: ByteBuffer)] = []
    var calls: [HTTPCall] = []

    func removeAll() {
        kafka = []
        mqtt = []
        events = []
        published = []
        broadcasts = []
        calls = []
    }

    /// Records that a message which failed for good became (contract section 6, promise 3).
    var deadLetters: [KafkaRecord] {
        kafka.filter { record in record.headers.contains { $0.name == "x-original-topic" } }
    }
}
