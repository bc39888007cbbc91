import AgentModel
import AgentScript
import NIOCore
import NIOEmbedded
import Testing

@testable import AgentWorker

/// Handlers and deliveries that fail at random, from seeds so that a failure can be repeated.
@Suite("Under faults") struct FaultTests {
    private struct Dice: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 16 ^ state << 32
        }
    }

    @Test(
        "every message is acknowledged exactly once, and never before its effect", arguments: [1, 2, 3, 4] as [UInt64])
    func counts(seed: UInt64) throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function(data, message)
              if data % 7 == 0 and message.attempt < 3 then error('now and then') end
              if data % 5 == 0 then agenthost.sleep(0.01) end
              agent:send_kafka('out', data)
              agent:emit { event_type = 'seen', data = { n = data } }
            end, { attempts = 1000, backoff = 0.01 })
            agent:on_event('seen', function(event) if event.data.n % 11 == 0 then agenthost.sleep(0.02) end end)
            """)
        var dice = Dice(state: seed)
        let count = 2000
        var messages: [TestMessage] = []
        var acknowledged: [Int] = []
        for number in 0..<count {
            let message = TestMessage("in", "\(number)", partition: Int32(number % 4), offset: Int64(number / 4))
            message.onAcknowledge = { acknowledged.append(number) }
            messages.append(message)
            test.worker.receive(message)
            switch Int.random(in: 0..<10, using: &dice) {
            case 0: test.kafka.settleAll(DeliveryFailure("away"))
            case 1...3: test.kafka.settleFirst()
            case 4: test.kafka.settleLast()
            case 5: test.kafka.settleFirst(DeliveryFailure("away"))
            case 6: test.advance(0.02)
            default: break
            }
        }
        var rounds = 0
        while acknowledged.count < count, rounds < 100_000 {
            test.advance(0.05)
            test.kafka.settleAll()
            rounds += 1
        }
        // In: 2000. Out: each at least once. Twice: only acknowledgements count, and there is none.
        #expect(messages.allSatisfy { $0.acknowledgements == 1 })
        #expect(Set(acknowledged).count == count)
        #expect(Set(test.kafka.texts("out")).count == count)
        #expect(test.laneCount == 0)
        #expect(test.worker.figures().messagesUnderWay == 0)
        #expect(test.kafka.unsettledCount == 0)
    }
}
