import Testing

@testable import Realtime

@Suite("Who would receive a message")
struct AudiencesTests {
    private let registry = ClientRegistry()

    private func client(_ id: String, worker: Int, isRaw: Bool = false) -> ClientRecord {
        let record = ClientRecord(id: id, connectionID: 1, worker: worker, isRaw: isRaw, connectedAt: 0)
        registry.add(record)
        return record
    }

    @Test("every change of the subscribers is seen by the next message")
    func changes() {
        var audiences = Audiences(registry)
        #expect(audiences.subscribers(of: "a").count == 0)
        let (first, second) = (client("1", worker: 1), client("2", worker: 2))
        _ = registry.subscribe(first, to: "a")
        #expect(audiences.subscribers(of: "a").workers == [1])
        _ = registry.subscribe(second, to: "a")
        #expect(audiences.subscribers(of: "a").count == 2)
        #expect(audiences.subscribers(of: "b").count == 0)
        registry.unsubscribe(first, from: "a")
        #expect(audiences.subscribers(of: "a").workers == [2])
        registry.remove(second)
        #expect(audiences.subscribers(of: "a").count == 0)
    }

    @Test("who comes and goes is seen by the next message to all")
    func everybody() {
        var audiences = Audiences(registry)
        #expect(audiences.enveloped().count == 0)
        let first = client("1", worker: 1)
        _ = client("2", worker: 2, isRaw: true)
        #expect(audiences.enveloped().workers == [1])
        registry.remove(first)
        #expect(audiences.enveloped().count == 0)
    }

    @Test("nothing is looked up again while nobody comes or goes")
    func unchanged() {
        let first = client("1", worker: 1)
        _ = registry.subscribe(first, to: "a")
        let version = registry.version
        _ = registry.subscribe(first, to: "a")
        registry.unsubscribe(first, from: "b")
        #expect(registry.version == version)
    }

    @Test("more topics than are remembered have their subscribers all the same")
    func many() {
        var audiences = Audiences(registry)
        let first = client("1", worker: 1)
        for number in 0..<1500 { _ = registry.subscribe(first, to: "\(number)") }
        for number in 0..<3000 { #expect(audiences.subscribers(of: "\(number)").count == (number < 1500 ? 1 : 0)) }
    }

    @Test("a client has so many subscriptions at most, in their order; one less makes room, and gone it has none")
    func most() {
        let first = client("1", worker: 1)
        #expect(["a", "b", "c"].map { registry.subscribe(first, to: $0, most: 2) } == [1, 1, nil])
        // What it has already is not another one.
        #expect(registry.subscribe(first, to: "b", most: 2) == 1)
        #expect(registry.unsubscribe(first, from: "a") && !registry.unsubscribe(first, from: "a"))
        #expect(registry.subscribe(first, to: "c", most: 2) == 1)
        let page = registry.page(offset: 0, limit: 9)
        #expect(page.entries.map(\.entry.subscriptions) == [["b", "c"]])
        #expect(page.totalSubscriptions == 2)
        #expect(registry.remove(first) == ["b", "c"])
        #expect(registry.subscribe(first, to: "a") == nil)
        #expect(registry.page(offset: 0, limit: 9).totalSubscriptions == 0)
    }
}
