import AgentModel
import DevelopmentBrokers
import Foundation
import NIOCore
import Testing

@testable import MQTTTransport

/// A broker whose process stands still: its kernel goes on to acknowledge, and nothing else tells of it.
@Suite struct FrozenBrokerTests {
    @Test("is noticed by both sides within twice the keep-alive, and they come back")
    func idle() async throws {
        try await withBroker { broker in
            let collector = Collector()
            let (subscriber, status) = try await broker.subscriber("frozen", ["t"], collector, keepAlive: 5)
            let publisher = try await TestPublisher(broker.settings("frozen", keepAlive: 5))
            try await publisher.publish([Record("t", "before")])
            #expect(await eventually { collector.count == 1 })

            let process = try #require(broker.brokerProcess)
            kill(process, SIGSTOP)
            defer { kill(process, SIGCONT) }
            #expect(
                await eventually(within: 30) {
                    status.current.status == .reconnecting && publisher.status.current.status == .reconnecting
                })
            #expect(status.current.errorMessage?.contains("did not answer in time") == true)
            kill(process, SIGCONT)
            #expect(await eventually(within: 30) { subscriber.isSubscribed })
            try await publisher.publish([Record("t", "after")])
            #expect(await eventually(within: 30) { collector.messages.last?.text == "after" })
            await publisher.publisher.stop()
            await subscriber.stop()
        }
    }

    @Test("is noticed while a message is held, which comes again")
    func held() async throws {
        try await withBroker { broker in
            let collector = Collector(together: 2)
            let (subscriber, status) = try await broker.subscriber("frozen-held", ["t"], collector, keepAlive: 5)
            try run("mosquitto_pub", "-p", "\(broker.port)", "-t", "t", "-m", "held", "-q", "1")
            #expect(await eventually { collector.messages.count == 1 })
            let process = try #require(broker.brokerProcess)
            kill(process, SIGSTOP)
            defer { kill(process, SIGCONT) }
            #expect(await eventually(within: 30) { status.current.status == .reconnecting })
            kill(process, SIGCONT)
            #expect(await eventually(within: 30) { collector.currentWhenAnswered == [false, true] })
            #expect(collector.messages.map(\.text) == ["held", "held"])
            await subscriber.stop()
        }
    }

    @Test("one that lives does not end a client that holds a message for many keep-alives", arguments: [1, 20])
    func patient(heldMessages: Int) async throws {
        try await withBroker { broker in
            let collector = Collector(acknowledges: false)
            let (subscriber, status) = try await broker.subscriber("patient", ["t"], collector, keepAlive: 5)
            for number in 0..<heldMessages {
                try run("mosquitto_pub", "-p", "\(broker.port)", "-t", "t", "-m", "\(number)", "-q", "1")
            }
            #expect(await eventually { collector.count == heldMessages })
            let held = ContinuousClock.now
            // A broker drops a silent client after one and a half times the keep-alive, so twice that is long enough.
            #expect(await eventually(within: 30) { ContinuousClock.now - held > .seconds(15) })
            try await collector.acknowledgeHeld()
            try run("mosquitto_pub", "-p", "\(broker.port)", "-t", "t", "-m", "end", "-q", "1")
            #expect(await eventually { collector.count == heldMessages + 1 })
            #expect(status.current.retryCount == 0)
            try await collector.acknowledgeHeld()
            await subscriber.stop()
        }
    }
}
