import NIOCore
import Testing

@testable import MQTTTransport

@Suite struct HeldPingTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    @Test("a short hold asks nothing")
    func short() {
        var ping = HeldPing(keepAlive: .seconds(20))
        #expect(ping.deadline == nil)
        #expect(ping.action(at: start) == .nothing)
        #expect(ping.deadline == start + .seconds(10))
        #expect(ping.action(at: start + .seconds(9)) == .nothing)
        ping.released()
        #expect(ping.deadline == nil)
        #expect(ping.action(at: start + .seconds(11)) == .nothing, "another hold begins anew")
    }

    @Test("a long hold asks twice a keep-alive, for as long as something is heard")
    func long() {
        var ping = HeldPing(keepAlive: .seconds(20))
        #expect(ping.action(at: start) == .nothing)
        for turn in 1...60 {
            let now = start + .seconds(Int64(10 * turn))
            #expect(ping.action(at: now) == .ping)
            ping.pinged(at: now)
            #expect(ping.action(at: now) == .nothing)
            ping.heard()
        }
    }

    @Test("a broker that says nothing for a keep-alive after a ping is given up")
    func silence() {
        var ping = HeldPing(keepAlive: .seconds(20))
        #expect(ping.action(at: start) == .nothing)
        #expect(ping.action(at: start + .seconds(10)) == .ping)
        ping.pinged(at: start + .seconds(10))
        #expect(ping.action(at: start + .seconds(20)) == .ping)
        ping.pinged(at: start + .seconds(20))
        #expect(ping.action(at: start + .seconds(29)) == .nothing)
        #expect(ping.action(at: start + .seconds(30)) == .giveUp)
    }

    @Test("a ping that could not be written is tried again, and does not count as unanswered")
    func unwritten() {
        var ping = HeldPing(keepAlive: .seconds(20))
        #expect(ping.action(at: start) == .nothing)
        #expect(ping.action(at: start + .seconds(10)) == .ping)
        #expect(ping.action(at: start + .seconds(20)) == .ping)
        #expect(ping.action(at: start + .seconds(60)) == .ping)
    }
}
