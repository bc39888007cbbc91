import AgentModel
import HTTP1
import NIOCore
import NIOWebSocket
import Realtime

/// One WebSocket after its upgrade (RFC 6455; contract section 4). Confined to the loop of its connection.
final class WebSocketConnection: RealtimeClient, Successor {
    private enum State {
        case open
        /// A close frame was sent; the peer's is awaited.
        case closing
        case closed
    }

    let record: ClientRecord
    let route: WebSocketRoute
    let request: RequestContext
    let subprotocol: String?
    let reception: Reception
    private let connection: HTTPConnection
    private var state = State.open
    private var reader: WebSocketReader
    private var lastHeard: NIODeadline
    private var pingDue: NIODeadline
    /// When a message that has begun must have ended.
    private var messageDue: NIODeadline?

    var clientID: String { record.id }
    var receivesEveryEvent: Bool { route.receivesEveryEvent }

    private var hub: TopicHub { reception.topics }

    init(
        route: WebSocketRoute, request: RequestContext, subprotocol: String?, connection: HTTPConnection,
        reception: Reception
    ) {
        self.route = route
        self.request = request
        self.subprotocol = subprotocol
        self.connection = connection
        self.reception = reception
        record = reception.topics.newRecord(isRaw: route.isRaw)
        reader = WebSocketReader(maxMessageBytes: reception.settings.http.maxMessageBytes)
        lastHeard = reception.floor.clock
        pingDue = reception.floor.clock + reception.settings.pingInterval
    }

    func open() {
        hub.add(self)
        if route.isRaw {
            reception.requests.rawOpened(path: route.path.text, client: self)
        } else {
            welcome()
        }
    }

    // MARK: Receiving

    /// Consumes what can be consumed; false when nothing more can be done before more bytes arrive.
    func receive(_ input: inout ByteBuffer) -> Bool {
        guard input.readableBytes > 0, state != .closed else {
            input.clear()
            return false
        }
        // A client that does not read what it caused to be sent is not listened to either.
        guard connection.takesMore() else { return false }
        lastHeard = reception.floor.clock
        if !reader.isAccumulating, reader.message.storageCapacity == 0 {
            reader.message = reception.floor.takeMessageBuffer()
        }
        defer { settleMessage() }
        switch reader.next(&input) {
        case .incomplete: return false
        case .message(let binary):
            if state == .open { received(binary: binary) }
        case .ping(let data):
            if state == .open { connection.send(WebSocketFrame.make(.pong, data)) }
        case .pong: break
        case .close(let code): closed(by: code)
        case .failure(let code, let reason): fail(code, reason)
        }
        return true
    }

    private func received(binary: Bool) {
        record.countMessage()
        if route.isRaw {
            reception.requests.rawMessage(path: route.path.text, client: self, data: reader.message, binary: binary)
        } else {
            answer(reader.message)
        }
    }

    /// Bytes of a message that has not ended.
    var unfinishedBytes: Int { reader.isAccumulating ? reader.message.storageCapacity : 0 }

    private func settleMessage() {
        if reader.isAccumulating {
            messageDue = messageDue ?? reception.floor.deadline(in: reception.settings.http.bodyTimeout)
        } else {
            messageDue = nil
            reception.floor.returnMessageBuffer(&reader.message)
        }
    }

    /// The connections together hold more of unfinished messages than they may, and this one wanted to hold more.
    func givesUpUnfinished() {
        guard state == .open else { return connection.abort(nil) }
        fail(1013, "too many unfinished messages")
    }

    // MARK: Sending

    /// Sends a frame that other clients may be sent too. False: the client is gone.
    @discardableResult
    func deliver(_ frame: borrowing Frame) -> Bool {
        guard state == .open else { return false }
        guard connection.takesMore() else {
            close(code: 1013, reason: "too slow")
            return false
        }
        record.countMessage()
        connection.send(frame)
        return true
    }

    private func deliver(alone frame: ByteBuffer) -> Bool { deliver(reception.floor.turnEnd.frames.frame(frame)) }

    func send(_ envelope: Envelope) -> Bool {
        guard state == .open else { return false }
        return deliver(alone: hub.frame(envelope))
    }

    func send(type: String, payload: ByteBuffer, responseTo: String?) -> Bool {
        connection.eventLoop.preconditionInEventLoop()
        return send(Envelope(type: type, payload: payload, responseTo: responseTo))
    }

    func sendRaw(_ data: ByteBuffer, binary: Bool) -> Bool {
        connection.eventLoop.preconditionInEventLoop()
        guard state == .open else { return false }
        return deliver(alone: WebSocketFrame.message(data, binary: binary))
    }

    // MARK: Closing

    func close(code: Int, reason: String) {
        connection.eventLoop.preconditionInEventLoop()
        guard state == .open else { return }
        state = .closing
        hub.remove(self)
        let sent = WebSocketReader.isValidCode(code) ? code : 1000
        connection.send(WebSocketFrame.close(sent, reason))
        connection.closes(within: reception.settings.http.closeTimeout)
    }

    private func closed(by code: Int?) {
        if state == .open {
            hub.remove(self)
            connection.send(WebSocketFrame.close(code, ""))
        }
        finish(code ?? 1005)
        // RFC 6455 section 7.1.1: after both close frames it is for the server to close.
        connection.endOutput(lingers: false)
    }

    private func fail(_ code: Int, _ reason: String) {
        if state == .open {
            hub.remove(self)
            connection.send(WebSocketFrame.close(code, reason))
        }
        finish(1006)
        connection.endOutput()
    }

    func stop() { close(code: 1001, reason: TaskFailure.stopping.description) }

    /// The connection is gone without a close frame from the peer.
    func lost() {
        // Not at once: this may come from within something that a script's handler caused.
        connection.eventLoop.assumeIsolated().execute { [self] in
            hub.remove(self)
            finish(1006)
        }
    }

    private func finish(_ code: Int) {
        guard state != .closed else { return }
        state = .closed
        if route.isRaw { reception.requests.rawClosed(path: route.path.text, client: self, code: code) }
    }

    // MARK: Time

    func tick(_ now: NIODeadline) {
        guard state == .open else { return }
        if let messageDue, now >= messageDue {
            fail(1008, "a message was not finished in time")
        } else if now - lastHeard >= reception.settings.pongTimeout {
            close(code: 1011, reason: "keepalive ping timeout")
        } else if now >= pingDue {
            pingDue = now + reception.settings.pingInterval
            if connection.takesMore() { connection.send(WebSocketFrame.make(.ping, ByteBuffer())) }
        }
    }
}
