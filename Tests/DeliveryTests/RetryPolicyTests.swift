import NIOCore
import Testing

@testable import Delivery

@Suite("The pauses between attempts") struct RetryPolicyTests {
    @Test("double, up to a minute, and end with the last attempt") func attempts() {
        let policy = RetryPolicy(attempts: 12, backoff: 0.2)
        let pauses = (1...12).map { policy.pause(afterAttempt: $0) }
        let milliseconds: [Int64] = [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]
        #expect(pauses == milliseconds.map { .milliseconds($0) } + [nil])
    }

    @Test("are as long as the script says where that is more than a minute") func long() {
        let policy = RetryPolicy(attempts: 1000, backoff: 90)
        #expect(policy.pause(afterAttempt: 1) == .seconds(90))
        #expect(policy.pause(afterAttempt: 999) == .seconds(90))
        #expect(policy.pause(afterAttempt: 1000) == nil)
    }

    @Test("of a dead letter have no last one") func letters() {
        #expect((1...8).map(RetryPolicy.pause(beforeLetter:)) == [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
        #expect(RetryPolicy.pause(beforeLetter: .max) == .seconds(60))
    }
}
