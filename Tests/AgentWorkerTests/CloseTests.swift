import AgentModel
import NIOEmbedded
import Testing

@testable import AgentWorker

@Suite("A worker that is closed") struct CloseTests {
    @Test("lets go of the messages that waited in its lanes, although their origins live on") func waiting() throws {
        let test = try TestWorker("agent:on_message('in', function() agenthost.sleep(100) end)")
        let origin = MessageOrigin(.kafka, topic: "in")
        final class Message: InboundMessage {
            let origin: MessageOrigin
            let payload = UnsafeRawBufferPointer(start: nil, count: 0)
            let key: UnsafeRawBufferPointer? = nil
            let headers: [MessageHeader] = []
            let timestamp: Int64 = 0
            let offset: Int64 = 0
            let isTombstone = true
            let isCurrent = true

            init(_ origin: MessageOrigin) { self.origin = origin }

            func eachField(_ body: (MessageField, @autoclosure () -> MessageField.Value) -> Void) {}
            func acknowledge() {}
        }
        weak var first: Message?
        weak var second: Message?
        do {
            let (one, other) = (Message(origin), Message(origin))
            (first, second) = (one, other)
            test.worker.receive(one)
            test.worker.receive(other)
        }
        #expect(first != nil && second != nil)
        #expect(test.laneCount == 1)
        test.worker.close()
        test.loop.run()
        #expect(first == nil)
        #expect(second == nil)
        #expect(origin.found != nil)
    }
}
