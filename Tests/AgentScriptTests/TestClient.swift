import AgentModel
import NIOCore

/// A WebSocket client of which only the id matters: scripts reach it through effects.
final class TestClient: WebSocketClient {
    let clientID: String
    let request: RequestContext
    let subprotocol: String?

    init(id: String, request: RequestContext = .none, subprotocol: String? = nil) {
        clientID = id
        self.request = request
        self.subprotocol = subprotocol
    }

    func send(type: String, payload: ByteBuffer, responseTo: String?) -> Bool { false }
    func sendRaw(_ data: ByteBuffer, binary: Bool) -> Bool { false }
    func close(code: Int, reason: String) {}
}

extension Effect {
    /// One line for comparisons.
    var summary: String {
        switch self {
        case .send(let transport, let record): "\(transport) \(record.topic)"
        case .event(let event): "event \(event.eventType)"
        case .publish(let topic, let data): "publish \(topic) \(String(buffer: data))"
        case .broadcast(let type, let payload): "broadcast \(type) \(String(buffer: payload))"
        case .client(let id, let type, let payload): "client \(id) \(type) \(String(buffer: payload))"
        case .clientFrame(let id, let data, let binary): "frame \(id) \(binary) \(data.readableBytes)"
        case .clientClose(let id, let code, let reason): "close \(id) \(code) \(reason)"
        }
    }
}
