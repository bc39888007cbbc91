import AgentModel
import HTTP1
import NIOCore
import NIOHTTP1
import Realtime

/// Makes a client of a connection: of a WebSocket, or of an event stream.
struct ClientEntrance {
    private let connection: HTTPConnection
    private let reception: Reception

    init(_ connection: HTTPConnection, _ reception: Reception) {
        self.connection = connection
        self.reception = reception
    }

    func stream(_ key: StreamKey) {
        let head = connection.head
        let query = head.text(head.query).map { QueryString($0) }
        let lastEventID = head.text(head.lastEventID) ?? query?["last_event_id"]
        guard connection.beginStream({ $0.writeEventStream(terms: $1, to: &$2) }) else { return }
        let stream = EventStream(key: key, connection: connection, reception: reception)
        connection.become(stream)
        // Open before the client can know of it: what another worker publishes once it does is in the stream.
        stream.open(lastEventID: lastEventID.flatMap { $0.isEmpty ? nil : $0 })
        connection.flushOutput()
    }

    /// - Parameter isForeign: the request is of a page that is not let in.
    func upgrade(to route: WebSocketRoute, captures: [Range<Int>], isForeign: Bool) {
        let head = connection.head
        guard let parameters = route.path.parameters(head, captures) else { return connection.refuseInvalidPath() }
        switch WebSocketHandshake.decide(head, isForeign: isForeign) {
        case .refuse(let status, let detail, let fields):
            connection.answer(status, ErrorBody.detail(detail), fields)
        case .accept(let key):
            guard let channel = connection.channel else { return }
            let offers = head.bytes.withUnsafeReadableBytes {
                route.subprotocols.isEmpty ? [] : RequestHeadText.values(of: "sec-websocket-protocol", in: $0)
            }
            let subprotocol = route.subprotocol(among: offers)
            // A copy: a long head's bytes are a part of all that was read with it, and a WebSocket may live for long.
            let request = RequestContext(path: parameters, head: ByteBuffer(bytes: head.bytes.readableBytesView))
            WebSocketHandshake.fields(key: key, on: channel).assumeIsolated().whenComplete { result in
                switch result {
                case .success(var fields):
                    if let subprotocol { fields.add(name: "sec-websocket-protocol", value: subprotocol) }
                    connection.switchProtocols(fields)
                    let client = WebSocketConnection(
                        route: route, request: request, subprotocol: subprotocol, connection: connection,
                        reception: reception)
                    connection.become(client)
                    client.open()
                case .failure: connection.answer(.badRequest, ErrorBody.detail("Invalid upgrade to WebSocket"))
                }
            }
        }
    }
}
