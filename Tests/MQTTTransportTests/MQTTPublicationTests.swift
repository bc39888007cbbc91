import AgentModel
import NIOCore
import NIOPosix
import Testing

@testable import MQTTTransport

@Suite struct MQTTPublicationTests {
    private func publication(of record: Record) -> MQTTPublication {
        record.withView { MQTTPublication($0, eventLoop: MultiThreadedEventLoopGroup.singleton.next(), receipt: nil) }
    }

    @Test("what a record does not say is QoS 1, not retained, and an empty payload")
    func defaults() {
        let publication = publication(of: Record(topic: "a", value: nil))
        #expect(publication.qos == 1 && !publication.retain && publication.payload.readableBytes == 0)
    }

    @Test("what a record says is taken")
    func options() {
        let publication = publication(of: Record(topic: "a", payload: ByteBuffer(string: "x"), qos: 2, retain: true))
        #expect(publication.qos == 2 && publication.retain && publication.payload == ByteBuffer(string: "x"))
    }
}
