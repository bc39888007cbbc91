import NIOCore
import Testing

@testable import HTTP1

@Suite("Where a connection is") struct ConnectionPhaseTests {
    private final class Stub: Successor {
        func receive(_ input: inout ByteBuffer) -> Bool { false }
        var unfinishedBytes: Int { 7 }
        func tick(_ now: NIODeadline) {}
        func stop() {}
        func lost() {}
    }

    private func phase(_ go: (inout ConnectionPhase) -> Void) -> ConnectionPhase {
        var phase = ConnectionPhase()
        go(&phase)
        return phase
    }

    @Test("a head begins once") func head() {
        var phase = ConnectionPhase()
        #expect(phase.isIdle)
        let begun = (phase.beginHead(), phase.beginHead())
        #expect(begun == (true, false))
        phase.beginAnswer()
        let within = phase.beginHead()
        phase.endRequest()
        let behind = phase.beginHead()
        #expect(!within && behind)
    }

    @Test("nothing is read while an answer is owed, but for a bounded part of what is sent ahead") func ahead() {
        let answering = phase { $0.beginAnswer() }
        #expect(answering.isAnswering && answering.wantsInput)
        guard case .wait = answering.step else {
            Issue.record("it goes on")
            return
        }
        #expect(!answering.maySkipReading(waiting: 64 << 10, isWritable: true))
        #expect(answering.maySkipReading(waiting: (64 << 10) + 1, isWritable: true))
    }

    @Test("between requests and in them the socket is left alone only while the client takes no answer") func slow() {
        for phase in [phase { _ in }, phase { _ = $0.beginHead() }, phase { $0.beginBody() }] {
            #expect(!phase.maySkipReading(waiting: 1, isWritable: true))
            #expect(phase.maySkipReading(waiting: 1, isWritable: false))
            #expect(!phase.maySkipReading(waiting: 0, isWritable: false))
        }
    }

    @Test("what comes behind the end is dropped") func behind() {
        for phase in [phase { $0.linger() }, phase { $0.close() }] {
            #expect(!phase.wantsInput)
            #expect(!phase.maySkipReading(waiting: 1 << 20, isWritable: false))
        }
    }

    @Test("what has not ended is counted in requests under way and by what a connection has become") func unfinished() {
        #expect(ConnectionPhase().unfinishedBytes(ofRequest: 5) == 0)
        let phases = [
            phase { _ = $0.beginHead() }, phase { $0.beginBody() }, phase { $0.beginAnswer() },
            phase { $0.become(Stub()) },
        ]
        #expect(phases.map { $0.unfinishedBytes(ofRequest: 5) } == [5, 5, 0, 7])
    }

    @Test("a client that ends its side gets the answer it is owed, and all of one that is on its way") func endOfInput()
    {
        #expect(phase { $0.beginAnswer() }.endingOfInput(isSent: true) == .underWay)
        #expect(phase { $0.linger() }.endingOfInput(isSent: false) == .underWay)
        for phase in [phase { _ in }, phase { _ = $0.beginHead() }, phase { $0.beginBody() }] {
            #expect(phase.endingOfInput(isSent: true) == .atOnce && phase.endingOfInput(isSent: false) == .onceSent)
        }
        for phase in [phase { $0.close() }, phase { $0.become(Stub()) }] {
            #expect(phase.endingOfInput(isSent: false) == .atOnce)
        }
    }

    @Test("a stop refuses what is being read, and lets an answer and a successor end") func stop() {
        func name(_ ending: ConnectionPhase.Ending) -> String {
            switch ending {
            case .refusingHead: "head"
            case .refusingBody: "body"
            case .withAnswer: "answer"
            case .bySuccessor: "successor"
            case .underWay: "under way"
            case .atOnce: "at once"
            }
        }
        let phases = [
            phase { _ in }, phase { _ = $0.beginHead() }, phase { $0.beginBody() }, phase { $0.beginAnswer() },
            phase { $0.become(Stub()) }, phase { $0.linger() },
        ]
        #expect(
            phases.map { name($0.endingOfServer) } == ["at once", "head", "body", "answer", "successor", "under way"])
        // A task has a limit of its own; one who lingers for too long is left.
        #expect(
            phases.map { name($0.endingOfTime) } == ["at once", "head", "body", "under way", "at once", "at once"])
    }
}
