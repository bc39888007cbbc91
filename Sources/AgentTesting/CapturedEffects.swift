import AgentModel
import NIOCore

/// What the agent under test has done to the world since the test began. Confined to the thread of its file.
final class CapturedEffects {
    /// Sent to transports, in order.
    var records: [TransportName: [Record]] = [:]
    var events: [RealtimeEvent] = []
    var published: [(topic: String, data: ByteBuffer)] = []
    var broadcasts: [(type: String, payload: ByteBuffer)] = []
    var calls: [HTTPCall] = []

    func removeAll() {
        records = [:]
        events = []
        published = []
        broadcasts = []
        calls = []
    }

    /// Records that a message which failed for good became (contract section 6, promise 3).
    var deadLetters: [Record] {
        (records[.kafka] ?? []).filter { record in record.headers.contains { $0.name == "x-original-topic" } }
    }
}
