package import NIOCore

/// What the HTTP server asks of the worker that shares its event loop. All calls and completions are on that loop.
package protocol AgentRequests: AnyObject {
    func perform(_ request: TaskRequest, completion: @escaping (TaskOutcome) -> Void)

    /// A WebSocket message of a type that the server does not know itself; `payload` is JSON.
    /// False: no agent has a handler for the type.
    func websocketMessage(type: String, payload: ByteBuffer, messageID: String, from client: any WebSocketClient)
        -> Bool

    /// A client of the raw endpoint `path` connected.
    func rawOpened(path: String, client: any WebSocketClient)
    /// A whole message of a raw endpoint: text (valid UTF-8) or binary.
    func rawMessage(path: String, client: any WebSocketClient, data: ByteBuffer, binary: Bool)
    /// The client is gone; `code` as in RFC 6455 section 7.4.1 (1005 no code, 1006 abnormal).
    func rawClosed(path: String, client: any WebSocketClient, code: Int)
}

/// A connected WebSocket client, as scripts know it; confined to the loop of its connection.
package protocol WebSocketClient: AnyObject {
    /// UUID.
    var clientID: String { get }
    /// The request that it was opened with.
    var request: RequestContext { get }
    /// The subprotocol that was agreed on.
    var subprotocol: String? { get }
    /// Sends an enveloped message; `payload` is JSON. False: the client is gone.
    func send(type: String, payload: ByteBuffer, responseTo: String?) -> Bool
    /// Sends a frame as it is. False: the client is gone.
    func sendRaw(_ data: ByteBuffer, binary: Bool) -> Bool
    func close(code: Int, reason: String)
}

extension WebSocketClient {
    package var request: RequestContext { .none }
    package var subprotocol: String? { nil }
}

/// A way to publish.
package enum Publication: Sendable {
    /// An event, and the topic it names.
    case event(topic: String?)
    case topic(String)
    case broadcast
}

/// The subscribers of all workers, reached from one worker's loop.
package protocol RealtimeHub: AnyObject {
    /// Whether anyone gets what is published so, or a stream keeps it for those who come back. What nobody hears need not
    /// be made.
    func hears(_ publication: Publication) -> Bool
    /// To every event subscriber, and to those of `event.topic`; each client gets it once.
    func emit(_ event: RealtimeEvent)
    /// To the subscribers of a topic; returns how many there are, on all workers, WebSockets and event streams.
    @discardableResult func publish(topic: String, data: ByteBuffer) -> Int
    /// To every WebSocket; returns how many there are, on all workers.
    @discardableResult func broadcast(type: String, payload: ByteBuffer) -> Int
    /// False: no client of that id is connected to any worker.
    func send(to clientID: String, type: String, payload: ByteBuffer) -> Bool
    /// Sends a frame without an envelope.
    func sendRaw(to clientID: String, data: ByteBuffer, binary: Bool) -> Bool
    func close(clientID: String, code: Int, reason: String) -> Bool
}
