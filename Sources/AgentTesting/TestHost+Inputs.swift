import AgentModel
import AgentWorker
import LuaRuntime
import NIOCore

/// What comes to the agent from outside.
extension TestHost {
    /// Delivers a message; true when it was acknowledged at once.
    func deliver(_ fields: MessageFields, topic: String, value: ByteBuffer?) -> Bool {
        let transport = fields.source.flatMap(\.traits) ?? transport(of: topic)
        var offset = fields.offset
        if !transport.hasFilters, offset == nil {
            let lane = "\(fields.partition)/\(topic)"
            offset = offsets[lane, default: 0]
            offsets[lane] = (offset ?? 0) + 1
        }
        let message = TestMessage(
            transport, topic: topic, value: value, fields, offset: offset ?? 0, timestamp: fields.timestamp ?? now)
        worker.receive(message)
        settle()
        return message.isAcknowledged
    }

    /// The transport that the agent subscribes a topic on: the first of several, and where none, the first that has such a
    /// topic.
    private func transport(of topic: String) -> TransportTraits {
        let subscriptions = worker.subscriptions(agent: 0)
        return TransportTraits.all.first { subscriptions[$0.name].matches(topic, on: $0) }
            ?? TransportTraits.all.first { $0.isTopic(topic) } ?? .mqtt
    }

    /// Delivers an event to the agent's handlers and its clients; returns what failed.
    func deliver(_ event: RealtimeEvent) throws(LuaFailure) -> DeliveryFailure? {
        var result: DeliveryFailure??
        worker.inject(event) { result = .some($0) }
        return try run { result != nil } ? result ?? nil : DeliveryFailure("a handler of the event has not ended")
    }

    func perform(_ request: TaskRequest) throws(LuaFailure) -> TaskOutcome {
        var outcome: TaskOutcome?
        worker.perform(request) { outcome = $0 }
        guard try run(until: { outcome != nil }), let outcome else {
            throw LuaFailure("task \"\(request.taskType)\" has not ended within a day")
        }
        // What it has sent is acknowledged too.
        settle()
        return outcome
    }

    private func connect() throws(LuaFailure) -> TestConnection {
        do {
            return try TestConnection(to: server, on: loop)
        } catch {
            throw LuaFailure("no connection to the host: \(ErrorText.of(error))")
        }
    }

    func request(_ request: TestRequest) throws(LuaFailure) -> TestResponse {
        let connection = try connect()
        defer {
            connection.close()
            settle()
        }
        connection.send(request.bytes)
        var head: ResponseHead?
        var length = 0
        let isAnswered = try run {
            connection.collect()
            if head == nil, let read = connection.readHead() {
                head = read
                length = request.method == "HEAD" ? 0 : read.field("content-length").flatMap { Int($0) } ?? 0
            }
            return head != nil && connection.received.readableBytes >= length || !connection.isOpen
        }
        guard isAnswered, let head else { throw LuaFailure("\(request.method) \(request.target) was not answered") }
        if head.field("content-type")?.hasPrefix("text/event-stream") == true {
            throw LuaFailure("\(request.target) is a stream; open it with host:stream(\"\(request.target)\")")
        }
        return TestResponse(head: head, body: connection.consume(length))
    }

    /// Opens a WebSocket; the error says how the host refused.
    func openWebSocket(
        path: String, fields: [(name: String, value: String)]
    ) throws(LuaFailure) -> Result<TestWebSocket, DeliveryFailure> {
        try open(TestWebSocket.handshake(path: path, fields: fields), status: 101) { connection, head in
            let client = TestWebSocket(connection, subprotocol: head.field("sec-websocket-protocol"))
            webSockets.append(client)
            return client
        }
    }

    /// Opens a stream of Server-Sent Events; the error says how the host refused.
    func openStream(path: String, lastEventID: String?) throws(LuaFailure) -> Result<TestEventStream, DeliveryFailure> {
        var request = TestRequest(method: "GET", target: path, fields: [("accept", "text/event-stream")])
        if let lastEventID { request.fields.append(("last-event-id", lastEventID)) }
        return try open(request, status: 200) { connection, _ in
            let client = TestEventStream(connection)
            streams.append(client)
            return client
        }
    }

    private func open<Client>(
        _ request: TestRequest, status: Int, _ make: (TestConnection, ResponseHead) -> Client
    ) throws(LuaFailure) -> Result<Client, DeliveryFailure> {
        let connection = try connect()
        connections.append(connection)
        connection.send(request.bytes)
        settle()
        guard let head = connection.readHead() else {
            return .failure(DeliveryFailure("\(request.target) was not answered"))
        }
        let isStream = status == 101 || head.field("content-type")?.hasPrefix("text/event-stream") == true
        guard head.status == status, isStream else {
            let body = String(buffer: connection.received)
            connection.close()
            return .failure(DeliveryFailure("\(request.target) answered \(head.status) \(body)"))
        }
        let client = make(connection, head)
        collect()
        return .success(client)
    }

    /// Runs the `on_stop` functions.
    func stop() throws(LuaFailure) {
        var isDone = false
        worker.runStops().assumeIsolated().whenComplete { _ in isDone = true }
        _ = try run { isDone }
    }
}
