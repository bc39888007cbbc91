import AgentModel
import NIOCore

/// Keeps what goes to subscribers.
final class TestHub: RealtimeHub {
    private(set) var events: [RealtimeEvent] = []
    private(set) var published: [(topic: String, data: String)] = []
    var onPublish: () -> Void = {}

    var eventTypes: [String] { events.map(\.eventType) }

    /// What nobody hears is not made.
    var isHeard = true

    func hears(_ publication: Publication) -> Bool { isHeard }

    func emit(_ event: RealtimeEvent) { events.append(event) }

    func publish(topic: String, data: ByteBuffer) -> Int {
        published.append((topic, String(buffer: data)))
        onPublish()
        return 1
    }

    func broadcast(type: String, payload: ByteBuffer) -> Int { 0 }
    func send(to clientID: String, type: String, payload: ByteBuffer) -> Bool { false }
    func sendRaw(to clientID: String, data: ByteBuffer, binary: Bool) -> Bool { false }
    func close(clientID: String, code: Int, reason: String) -> Bool { false }
}

/// A WebSocket that keeps what it is sent.
final class TestClient: WebSocketClient {
    let clientID: String
    private(set) var sent: [(type: String, payload: String, responseTo: String?)] = []
    private(set) var closeCode: Int?

    init(_ clientID: String = "client-1") {
        self.clientID = clientID
    }

    func send(type: String, payload: ByteBuffer, responseTo: String?) -> Bool {
        sent.append((type, String(buffer: payload), responseTo))
        return true
    }

    func sendRaw(_ data: ByteBuffer, binary: Bool) -> Bool { true }
    func close(code: Int, reason: String) { closeCode = code }
}
