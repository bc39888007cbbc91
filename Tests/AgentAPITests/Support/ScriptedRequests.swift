import NIOCore

@testable import AgentAPI
@testable import AgentModel
@testable import HTTP1

/// An agent whose tasks do what their type says. Confined to the loop of its server.
final class ScriptedRequests: AgentRequests {
    private let eventLoop: any EventLoop
    /// Tasks of the type `held` that wait for the next of the type `release`.
    private var held: [(TaskFailure?) -> Void] = []
    private(set) var rawEvents: [String] = []
    static let taskID = RandomUUID(random: 0x7E6F_1A5E_0000_0000, 1)

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func perform(_ request: TaskRequest, completion: @escaping (TaskOutcome) -> Void) {
        eventLoop.preconditionInEventLoop()
        let succeed = { (json: ByteBuffer) in
            completion(
                TaskOutcome(
                    taskID: Self.taskID, result: .success(json), processingTime: 0.0125))
        }
        let fail = { (failure: TaskFailure) in
            completion(
                TaskOutcome(taskID: nil, result: .failure(failure), processingTime: 0))
        }
        let answer = { (status: Int, fields: String, type: String?, body: String?) in
            let answer = TaskAnswer(
                status: status, fields: ByteBuffer(string: fields), contentType: type,
                body: body.map { ByteBuffer(string: $0) }, form: type == "application/json" ? .json : .text,
                namesOrigin: fields.contains("Allow-Origin"))
            completion(TaskOutcome(taskID: nil, answer: answer, processingTime: 0))
        }
        switch request.taskType {
        case "page": answer(200, "X-A: 1\r\n", "text/html", "<p>ü</p>")
        case "cookies": answer(201, "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n", "application/json", "{\"a\":1}")
        case "moved": answer(303, "Location: /page\r\n", nil, nil)
        case "absent": answer(404, "", "application/json", #"{"detail":"no such room"}"#)
        case "no_content": answer(204, "", nil, nil)
        case "same": answer(304, "ETag: \"1\"\r\n", nil, nil)
        case "odd": answer(299, "Access-Control-Allow-Origin: https://other.example\r\n", nil, nil)
        case "echo": succeed(Self.text(of: request))
        case "context":
            let parameters = request.context.path.map { ($0.name, JSONValue.string($0.value)) }
            succeed(JSONValue.object(JSONObject(parameters)).json())
        case "later": eventLoop.assumeIsolated().execute { succeed(Self.text(of: request)) }
        case "held": held.append { $0.map(fail) ?? succeed(Self.text(of: request)) }
        case "release":
            let waiting = held
            held = []
            for release in waiting { release(nil) }
            succeed(JSONValue.integer(Int64(waiting.count)).json())
        case "large": succeed(JSONValue.string(String(repeating: "x", count: 1 << 20)).json())
        case "raw_events": succeed(JSONValue.array(rawEvents.map { .string($0) }).json())
        case "invalid_json": fail(.invalidJSON(message: "Expecting value", offset: 4))
        case "invalid_utf8": fail(.invalidUTF8)
        case "invalid":
            let issue = ValidationIssue(
                type: "missing", location: ["body", "query"], message: "Field required", input: ByteBuffer(string: "{}")
            )
            fail(.invalid([issue]))
        case "failed": fail(.failed("health.lua:3: boom"))
        case "timed_out": fail(.timedOut(seconds: 300))
        case "queue_full": fail(.queueFull)
        case "unavailable": fail(.starting)
        default: fail(.unknownTask(request.taskType, known: ["echo"]))
        }
    }

    /// Ends the held tasks as a stop does that cannot wait longer.
    func cutOff() {
        let waiting = held
        held = []
        for end in waiting { end(.stopping) }
    }

    /// What the task was given, as JSON.
    private static func text(of request: TaskRequest) -> ByteBuffer {
        switch request.input {
        case .body(let body), .document(let body): return body
        case .query(let query, let parameters): return text(query, parameters)
        case .call(let query, let parameters): return text(query, parameters)
        }
    }

    private static func text(_ query: String, _ parameters: ByteBuffer?) -> ByteBuffer {
        var buffer = ByteBuffer(string: "{\"query\":")
        buffer.writeJSONString(query)
        buffer.writeString(",\"parameters\":")
        buffer.writeImmutableBuffer(parameters ?? ByteBuffer(string: "null"))
        buffer.writeString("}")
        return buffer
    }

    func websocketMessage(
        type: String, payload: ByteBuffer, messageID: String, from client: any WebSocketClient
    ) -> Bool {
        eventLoop.preconditionInEventLoop()
        switch type {
        case "greet": return client.send(type: "greeting", payload: payload, responseTo: messageID)
        case "goodbye":
            client.close(code: 4001, reason: "as you wish")
            return true
        default: return false
        }
    }

    func rawOpened(path: String, client: any WebSocketClient) {
        rawEvents.append("open \(path)")
    }

    func rawMessage(path: String, client: any WebSocketClient, data: ByteBuffer, binary: Bool) {
        _ = client.sendRaw(data, binary: binary)
    }

    func rawClosed(path: String, client: any WebSocketClient, code: Int) {
        rawEvents.append("closed \(path) \(code)")
    }
}

/// A host with one message handled, whatever agents it has.
final class ScriptedStatus: StatusReporting {
    private let interfaces: [AgentInterface]
    private let health: HostSnapshot.Health

    init(_ interfaces: [AgentInterface], health: HostSnapshot.Health = .healthy) {
        self.interfaces = interfaces
        self.health = health
    }

    func metrics(webSockets: Int) -> String {
        "# TYPE agenthost_websockets gauge\nagenthost_websockets \(webSockets)\n"
    }

    func snapshot() -> HostSnapshot {
        let script = HostSnapshot.Script(
            version: "0123456789ab", generation: 2, loadedAt: 1_767_323_045_678, reloadError: nil)
        let kafka = ConnectionStatus.Report(
            serviceName: "kafka", connectionType: "kafka", status: .connected, endpoint: "127.0.0.1:9092",
            connectedAt: 1_767_323_045_678, lastActivity: nil, errorMessage: nil, retryCount: 0)
        return HostSnapshot(
            serviceName: "vitals-agent", health: health,
            agents: interfaces.map {
                .init(interface: $0, script: script, messageCount: 3, errorCount: 1, topics: ["blood_pressure"])
            }, connections: [kafka], activeStreams: ["blood_pressure"], lastActivity: nil)
    }
}
