import AgentModel
import NIOCore
import NIOPosix
import Testing

@testable import MQTTTransport

@Suite("The topics that messages have come from") struct MQTTSourcesTests {
    @Test("are found again by their bytes, whichever came last, and none that only begins alike")
    func found() async throws {
        let seat = try await MultiThreadedEventLoopGroup.singleton.next().submit {
            let loop = MultiThreadedEventLoopGroup.currentEventLoop!
            return WorkerSeat(eventLoop: loop, receiver: NIOLoopBound(Nobody(), eventLoop: loop))
        }.get()
        var sources = MQTTSources()
        let topics = ["a", "a/b", "a/é", ""]
        for topic in topics {
            #expect(sources.known(topic) == nil)
            sources.add(MQTTSource(origin: MessageOrigin(.mqtt, topic: topic), seat: seat))
        }
        for topic in topics + topics.reversed() { #expect(sources.known(topic)?.origin.topic == topic) }
        #expect(sources.known("a/") == nil && sources.known("a/bc") == nil)
    }
}

private final class Nobody: MessageReceiver {
    func receive(_ message: any InboundMessage) {}
    func revoked() {}
}
