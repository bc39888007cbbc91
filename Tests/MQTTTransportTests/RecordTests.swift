import AgentModel
import NIOCore
import Testing

@testable import MQTTTransport

@Suite struct RecordTests {
    @Test("what a record does not say is QoS 1, not retained, and an empty payload")
    func defaults() {
        let record = Record(topic: "a", value: nil)
        #expect(record.qos == 1 && !record.retain && record.payload.readableBytes == 0)
    }

    @Test("what a record says is taken")
    func options() {
        let record = Record(topic: "a", payload: ByteBuffer(string: "x"), qos: 2, retain: true)
        #expect(record.qos == 2 && record.retain && record.payload == ByteBuffer(string: "x"))
    }
}
