import AgentModel
import NIOCore
import Testing

@testable import Realtime

@Suite("What is kept of events and clients")
struct KeptValueTests {
    @Test("a log keeps no more than it may, and tells when something is missing")
    func log() {
        var log = EventLog(epoch: 0xAB)
        for number in 1...10 {
            log.append(EventLog.encoded(.init(string: "\(number)")), maxEvents: 4, maxBytes: 1 << 20)
        }
        #expect(log.first == 7)
        #expect(log.next == 11)
        guard case .gap = log.read(from: 6, to: 11, maxBytes: 1000),
            case .events(let buffer, let next) = log.read(from: 9, to: 11, maxBytes: 1000)
        else {
            Issue.record("a gap and two events were expected")
            return
        }
        #expect(next == 11)
        #expect(String(buffer: buffer) == "id: ab-9\ndata: 9\n\nid: ab-10\ndata: 10\n\n")
        for _ in 0..<10 { log.append(.init(repeating: 0x61, count: 1000), maxEvents: 4, maxBytes: 2500) }
        #expect(log.bytes <= 2500)
        #expect(EventID("ab-10") == EventID(epoch: 0xAB, offset: 10))
        for text in ["", "ab", "ab-", "-1", "ab-1-2", "ab--1", "xyz-1"] { #expect(EventID(text) == nil) }
    }

    @Test("all topics together keep no more than they may; the least recently published gives way")
    func totalWindow() {
        var window = EventWindow()
        window.totalBytes = 10_000
        let history = EventHistory(window: window)
        for topic in ["a", "b"] { _ = history.open(.topic(topic), worker: 1) }
        let event = ByteBuffer(repeating: 0x61, count: 4000)
        #expect(history.append(event, to: [.topic("a")]) == [1])
        #expect(history.append(event, to: [.topic("b")]) == [])
        #expect(history.append(event, to: [.topic("b")]) == [])
        #expect(history.first(of: .topic("a")) == 2)
        #expect(history.first(of: .topic("b")) == 1)
        #expect(history.takePending(worker: 1) == [.topic("a"), .topic("b")])
        guard case .gap = history.read(.topic("a"), from: 1, to: 2, maxBytes: 100) else {
            Issue.record("the event of a is still there")
            return
        }
    }

    @Test("a log counts what an event takes beside its bytes; small events do not make it larger than it may be")
    func smallEvents() {
        var log = EventLog(epoch: 1)
        let event = EventLog.encoded(.init(string: #"{"n":1}"#))
        for _ in 0..<1000 { log.append(event, maxEvents: 10_000, maxBytes: 100 * (event.storageCapacity + 128)) }
        #expect(log.next - log.first == 100)
    }

    @Test("streams that nobody reads are forgotten first, the least recently published to before the others")
    func forgotten() {
        var window = EventWindow()
        window.totalBytes = 20_000
        let history = EventHistory(window: window)
        for topic in ["read", "a", "b", "new"] { _ = history.open(.topic(topic), worker: 1) }
        let event = ByteBuffer(repeating: 0x61, count: 4000)
        for topic in ["read", "b", "a", "b"] { _ = history.append(event, to: [.topic(topic)]) }
        for topic in ["a", "b"] { history.close(.topic(topic), worker: 1) }
        let isKept = { (topic: String) in
            if case .from(let offset) = history.resume(.topic(topic), after: "") { offset > 1 } else { true }
        }
        #expect(["read", "a", "b"].allSatisfy(isKept))
        _ = history.append(event, to: [.topic("new")])
        #expect(!isKept("a"))
        #expect(isKept("b"))
        _ = history.append(event, to: [.topic("new")])
        _ = history.append(event, to: [.topic("new")])
        #expect(!isKept("b"))
        #expect(history.first(of: .topic("read")) == 1)
        // Only now is the stream that is read told that events are gone.
        _ = history.append(event, to: [.topic("new")])
        #expect(history.first(of: .topic("read")) == 2)
        #expect(history.next(of: .topic("new")) == 5)
    }

    @Test("arrivals are paged in their order, whatever went between")
    func arrivals() {
        var order = ArrivalOrder<Int, String>()
        for number in 0..<1000 { order.update(number, or: "") { $0 += "\(number)" } }
        for number in 0..<1000 where number % 10 != 0 {
            let removed = order.remove(number)
            #expect(removed == "\(number)")
        }
        #expect(order.count == 100)
        #expect(order[500] == "500")
        #expect(order[501] == nil)
        order.update(5, or: "again") { _ in }
        #expect(order.page(offset: 98, limit: 10).map(\.value) == ["980", "990", "again"])
        #expect(order.page(offset: 0, limit: 2).map(\.key) == [0, 10])
        let removed = [order.remove(5), order.remove(5)]
        #expect(removed == ["again", nil])
    }
}
