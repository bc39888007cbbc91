import AgentModel
import NIOCore
import Realtime

/// The enveloped protocol: what a client may say, and what it is answered (contract section 4).
extension WebSocketConnection {
    /// The first messages: who the client is, and what it is subscribed to without asking.
    func welcome() {
        var payload = ByteBuffer()
        payload.writeStaticString("{\"client_id\":")
        payload.writeJSONString(clientID)
        payload.writeStaticString(",\"server_time\":\"")
        payload.writeTimestamp(Timestamp.now())
        payload.writeStaticString("\",\"connection_id\":")
        payload.writeJSONInteger(Int64(record.connectionID))
        payload.writeStaticString("}")
        _ = send(Envelope(type: ServerMessage.established, payload: payload))
        for template in route.autoSubscribe {
            let topic = request.filled(template)
            // A part of it may be the client's.
            if let refusal = ClientName.refusal(topic, "topic") {
                error(refusal, to: nil)
            } else {
                subscribe(topic, to: nil)
            }
        }
    }

    func answer(_ document: ByteBuffer) {
        // `JSONScanner` refuses what is not UTF-8, so a binary frame can be read as text.
        guard let members = try? JSONScanner.members(of: document) else {
            return error("Invalid JSON format", to: nil)
        }
        let message = ClientMessage(members)
        for (name, what) in [(message.id, "message id"), (message.correlationID, "correlation id")] {
            // Such an id is not sent back either.
            if let refusal = name.flatMap({ ClientName.refusal($0, what) }) { return error(refusal, to: nil) }
        }
        guard let type = members.string("message_type") else { return error("Message type is required", to: message) }
        if let refusal = ClientName.refusal(type, "message type") { return error(refusal, to: message) }
        switch type {
        case "subscribe":
            if let topic = topic(of: message) { subscribe(topic, to: message) }
        case "unsubscribe":
            if let topic = topic(of: message) { unsubscribe(topic, to: message) }
        case "ping":
            var payload = ByteBuffer()
            payload.writeStaticString("{\"timestamp\":\"")
            payload.writeTimestamp(Timestamp.now())
            payload.writeStaticString("\"}")
            reply(ServerMessage.pong, payload, to: message)
        case "agent_request": perform(message)
        default:
            let isHandled = reception.requests.websocketMessage(
                type: type, payload: message.payload, messageID: message.id ?? reception.topics.newIdentifier(),
                from: self
            )
            if !isHandled { error("Unknown message type: \(type)", to: message) }
        }
    }

    private func reply(_ type: String, _ payload: ByteBuffer, to message: ClientMessage?) {
        _ = send(
            Envelope(
                type: type, payload: payload, correlationID: message?.correlationID, responseTo: message?.id))
    }

    private func error(_ text: String, to message: ClientMessage?) {
        reply(ServerMessage.error, JSONValue.object(["error": .string(text)]).json(), to: message)
    }

    // MARK: Topics

    /// Answers when there is none that can be subscribed to.
    private func topic(of message: ClientMessage) -> String? {
        guard let topic = message.string("topic"), !topic.isEmpty else {
            error("Topic is required", to: message)
            return nil
        }
        guard let refusal = ClientName.refusal(topic, "topic") else { return topic }
        error(refusal, to: message)
        return nil
    }

    private func subscribe(_ topic: String, to message: ClientMessage?) {
        let most = reception.settings.maxSubscriptions
        guard let count = reception.topics.subscribe(self, to: topic, most: most) else {
            return error("A client has at most \(most) subscriptions", to: message)
        }
        let payload: JSONValue = ["topic": .string(topic), "subscriber_count": .integer(Int64(count))]
        reply(ServerMessage.subscribed, payload.json(), to: message)
    }

    private func unsubscribe(_ topic: String, to message: ClientMessage) {
        reception.topics.unsubscribe(self, from: topic)
        reply(ServerMessage.unsubscribed, JSONValue.object(["topic": .string(topic)]).json(), to: message)
    }

    // MARK: Tasks

    private func perform(_ message: ClientMessage) {
        guard let query = message.string("query"), !query.isEmpty else {
            return error("Query is required", to: message)
        }
        let parameters = message.member("parameters")
        if let parameters, parameters.readableBytesView.first != UInt8(ascii: "{") {
            return error("Parameters must be an object", to: message)
        }
        let agents = reception.routes?.agents ?? []
        let types = agents.flatMap(\.taskTypes)
        let asked = message.string("task_type").flatMap { $0.isEmpty ? nil : $0 }
        guard let type = asked ?? (types.count == 1 ? types.first : nil) else {
            return error("Task type is required: one of \(types.joined(separator: ", "))", to: message)
        }
        if let refusal = ClientName.refusal(type, "task type") { return error(refusal, to: message) }
        guard let agent = agents.firstIndex(where: { $0.taskTypes.contains(type) }) else {
            return respond(nil, .failure(.unknownTask(type, known: types)), to: message)
        }
        guard !reception.isStopping else { return respond(nil, .failure(.stopping), to: message) }
        let task = TaskRequest(
            agent: agent, taskType: type, input: .call(query: query, parameters: parameters), context: request)
        reception.requests.perform(task) { [self] outcome in
            respond(outcome.taskID, outcome.result, to: message)
        }
    }

    private func respond(_ taskID: RandomUUID?, _ result: Result<ByteBuffer, TaskFailure>, to message: ClientMessage) {
        var payload = ByteBuffer()
        switch result {
        case .success(let json):
            payload.reserveCapacity(json.readableBytes + 128)
            payload.writeStaticString("{\"success\":true,\"result\":")
            payload.writeImmutableBuffer(json)
            payload.writeStaticString(",\"error\":null,\"task_id\":")
        case .failure(let failure):
            payload.writeStaticString("{\"success\":false,\"result\":null,\"error\":")
            payload.writeJSONString(failure.description)
            payload.writeStaticString(",\"task_id\":")
        }
        payload.writeJSONStringOrNull(taskID?.description)
        payload.writeStaticString("}")
        reply(ServerMessage.agentResponse, payload, to: message)
    }
}
