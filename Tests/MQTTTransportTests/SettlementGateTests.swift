import NIOCore
import Testing

@testable import MQTTTransport

@Suite struct SettlementGateTests {
    let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    @Test("nothing may be written while a message that was read is unsettled")
    func holds() {
        var gate = SettlementGate(holdLimit: .seconds(5))
        #expect(gate.mayWrite)
        gate.didRead(at: start)
        gate.didRead(at: start + .seconds(1))
        #expect(!gate.mayWrite)
        gate.didSettle(total: 1)
        #expect(!gate.mayWrite)
        gate.didSettle(total: 2)
        #expect(gate.mayWrite)
    }

    @Test("nothing is read between the settlement and the end of the write")
    func readsNotBeforeWritten() {
        var gate = SettlementGate(holdLimit: .seconds(5))
        gate.didRead(at: start)
        #expect(gate.mayRead(queued: true))
        gate.didSettle(total: 1)
        #expect(!gate.mayRead(queued: true))
        gate.didWrite()
        #expect(gate.mayRead(queued: false))
    }

    @Test("a batch has a bound, so that there is a moment at which all is settled")
    func bounded() {
        var gate = SettlementGate(holdLimit: .seconds(5))
        for _ in 0..<SettlementGate.batchLimit { gate.didRead(at: start) }
        gate.didSettle(total: SettlementGate.batchLimit - 1)
        #expect(!gate.mayRead(queued: true))
        gate.didSettle(total: SettlementGate.batchLimit)
        gate.didWrite()
        #expect(gate.mayRead(queued: false))
    }

    @Test("the hold is counted from the first message that was read since the last write")
    func deadline() {
        var gate = SettlementGate(holdLimit: .seconds(5))
        #expect(gate.deadline == nil)
        gate.didRead(at: start)
        gate.didRead(at: start + .seconds(3))
        gate.didSettle(total: 1)
        #expect(gate.deadline == start + .seconds(5))
        gate.didSettle(total: 2)
        gate.didWrite()
        #expect(gate.deadline == nil)
        gate.didRead(at: start + .seconds(9))
        #expect(gate.deadline == start + .seconds(14))
    }
}

@Suite struct ReconnectDelayTests {
    @Test("the delay doubles from 0.1 s to 5 s, begins anew after a proven connection, and is 2 s after a refusal")
    func grows() {
        var delay = ReconnectDelay()
        let steps = (0..<8).map { _ in delay.afterConnection(lasting: .zero, refused: false).nanoseconds / 1_000_000 }
        #expect(steps == [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
        #expect(delay.afterConnection(lasting: .zero, refused: true) == .seconds(2))
        #expect(delay.afterConnection(lasting: .seconds(60), refused: false) == .milliseconds(100))
    }
}
