import AgentModel
import AgentScript
import AgentWorker
import LuaRuntime
import NIOCore

/// The host under test as a test file sees it: what `test.load` returns.
enum HostObject {
    private static let properties = ["sent", "state", "log", "store"]

    /// Pushes it.
    static func push(_ host: TestHost, directory: String, on stack: LuaStack) {
        stack.newTable(array: 0, fields: 12)
        installDeliveries(host, on: stack)
        installRequests(host, on: stack)
        installControl(host, directory: directory, on: stack)
        stack.setProperties(
            of: "host", known: properties,
            read: { (name, call) throws(LuaFailure) in
                switch name {
                case "sent": host.effects.push(on: call.stack)
                case "state": try pushState(of: host, on: call.stack)
                case "store": try host.stores.push(on: call.stack)
                case "log":
                    call.stack.newTable()
                    for (index, line) in host.log.all.enumerated() {
                        call.stack.push(line)
                        call.stack.setIndex(index + 1, of: -2)
                    }
                default: return false
                }
                return true
            },
            assign: { (name, call) throws(LuaFailure) in
                guard name == "state" else { return false }
                guard call.stack.type(at: 3) == .table else {
                    throw LuaFailure("host.state: table expected, got \(call.stack.typeName(at: 3))")
                }
                do throws(LuaError) {
                    try host.state?.replace(from: call.stack, at: 3)
                } catch {
                    throw LuaFailure(error.message)
                }
                return true
            })
    }

    private static func pushState(of host: TestHost, on stack: LuaStack) throws(LuaFailure) {
        do throws(LuaError) {
            try host.state?.push(on: stack)
        } catch {
            throw LuaFailure(error.message)
        }
    }

    private static func done(_ call: LuaCall, _ failure: String?) -> LuaOutcome {
        guard let failure else {
            call.stack.push(true)
            return .results(1)
        }
        call.stack.pushNil()
        call.stack.push(failure)
        return .results(2)
    }

    // MARK: Messages, events, tasks

    private static func installDeliveries(_ host: TestHost, on stack: LuaStack) {
        stack.setMethod("message", of: "host") { (arguments) throws(LuaFailure) in
            let topic = try arguments.string(2, "topic")
            let value = try arguments.payload(3, "data")
            let fields = try messageFields(arguments)
            if let refusal = host.refusal(ofTopic: topic, on: fields.source) {
                throw arguments.invalid("topic", refusal)
            }
            if host.deliver(fields, topic: topic, value: value) { return done(arguments.call, nil) }
            let reason = host.log.all.last.map { ": \($0)" } ?? ""
            return done(arguments.call, "the message is not acknowledged yet\(reason)")
        }
        stack.setMethod("event", of: "host") { (arguments) throws(LuaFailure) in
            let event = try event(arguments, now: host.now)
            if let refusal = host.refusal(ofEvent: event.eventType) { throw arguments.invalid("event", refusal) }
            let failure = try host.deliver(event)
            return done(arguments.call, failure?.description)
        }
        stack.setMethod("task", of: "host") { (arguments) throws(LuaFailure) in
            let type = try arguments.string(2, "task_type")
            var body = ByteBuffer(string: #"{"query":"""#)
            if !arguments.isMissing(3) {
                _ = try arguments.fields(
                    3, "payload", known: ["query", "parameters", "context", "task_type", "priority"])
                // Its text, as a client would have sent it; of two members of a name the last one counts.
                let payload = try arguments.object(3, "payload").readableBytesView.dropFirst().dropLast()
                if !payload.isEmpty {
                    body.writeStaticString(",")
                    body.writeBytes(payload)
                }
            }
            body.writeStaticString("}")
            let outcome = try host.perform(
                TaskRequest(agent: 0, taskType: type, input: .body(body)))
            switch outcome.result {
            case .success(let result):
                arguments.stack.pushValue(ofBytes: result)
                return .results(1)
            case .failure(let failure):
                if case .unknownTask = failure { throw LuaFailure(failure.description) }
                return done(arguments.call, failure.description)
            }
        }
    }

    private static func messageFields(_ arguments: CallArguments) throws(LuaFailure) -> MessageFields {
        var fields = MessageFields()
        guard !arguments.isMissing(4) else { return fields }
        let known = ["source", "key", "headers", "partition", "offset", "timestamp", "qos", "retain"]
        let table = try arguments.fields(4, "message_fields", known: known)
        if let source = try table.string("source") {
            guard let source = MessageSource(rawValue: source) else {
                throw arguments.invalid("message_fields.source", "\"kafka\" or \"mqtt\" expected, got \"\(source)\"")
            }
            fields.source = source
        }
        fields.key = try table.bytes("key")
        fields.headers = try table.headers("headers")
        fields.partition = Int32(try table.integer("partition", in: 0...Int64(Int32.max)) ?? 0)
        fields.offset = try table.integer("offset", in: 0...Int64.max)
        fields.timestamp = try table.integer("timestamp", in: 0...Int64.max)
        fields.qos = Int(try table.integer("qos", in: 0...2) ?? 1)
        fields.retain = try table.boolean("retain") ?? false
        return fields
    }

    private static func event(_ arguments: CallArguments, now: Int64) throws(LuaFailure) -> RealtimeEvent {
        let known = [
            "event_type", "data", "topic", "stream_id", "correlation_id", "priority", "source_service", "source_agent",
        ]
        let fields = try arguments.fields(2, "event", known: known)
        guard let type = try fields.string("event_type"), !type.isEmpty else {
            throw arguments.invalid("event", "an event_type is missing")
        }
        return RealtimeEvent(
            eventID: Identifier.random(), eventType: type,
            sourceService: try fields.string("source_service") ?? "test",
            sourceAgent: try fields.string("source_agent"), data: try fields.json("data") ?? ByteBuffer(string: "{}"),
            timestamp: now, correlationID: try fields.string("correlation_id"),
            streamID: try fields.string("stream_id"),
            priority: Int(try fields.integer("priority", in: 1...3) ?? 1), topic: try fields.string("topic"))
    }

    // MARK: HTTP, WebSocket, Server-Sent Events

    private static func installRequests(_ host: TestHost, on stack: LuaStack) {
        stack.setMethod("request", of: "host") { (arguments) throws(LuaFailure) in
            let response = try host.request(try request(arguments))
            arguments.stack.push(response.head.status)
            arguments.stack.pushValue(ofBytes: response.body.readableBytes == 0 ? nil : response.body)
            let headers = response.head.fields.map { MessageHeader(name: $0.name, value: Array($0.value.utf8)) }
            arguments.stack.pushHeadersByName(headers)
            arguments.stack.pushHeaderList(headers)
            return .results(4)
        }
        stack.setMethod("websocket", of: "host") { (arguments) throws(LuaFailure) in
            let path = try self.path(arguments)
            var fields: [(name: String, value: String)] = []
            if !arguments.isMissing(3) {
                let options = try arguments.fields(3, "options", known: ["headers", "subprotocols"])
                fields = try headers(options, arguments)
                let names = try options.list("subprotocols").joined(separator: ", ")
                if !names.isEmpty { fields.append(("sec-websocket-protocol", names)) }
            }
            switch try host.openWebSocket(path: path, fields: fields) {
            case .success(let client):
                ClientObject.push(client, of: host, on: arguments.stack)
                return .results(1)
            case .failure(let failure): return done(arguments.call, failure.description)
            }
        }
        stack.setMethod("stream", of: "host") { (arguments) throws(LuaFailure) in
            let path = try self.path(arguments)
            let options = arguments.isMissing(3) ? nil : try arguments.fields(3, "options", known: ["last_event_id"])
            switch try host.openStream(path: path, lastEventID: try options?.string("last_event_id")) {
            case .success(let client):
                StreamObject.push(client, of: host, on: arguments.stack)
                return .results(1)
            case .failure(let failure): return done(arguments.call, failure.description)
            }
        }
    }

    private static func path(_ arguments: CallArguments) throws(LuaFailure) -> String {
        let path = try arguments.string(2, "path")
        guard isPath(path) else {
            throw arguments.invalid("path", "a path that begins with / and has no spaces expected, got \"\(path)\"")
        }
        return path
    }

    private static func isPath(_ text: String) -> Bool {
        text.hasPrefix("/") && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }

    private static func request(_ arguments: CallArguments) throws(LuaFailure) -> TestRequest {
        let fields = try arguments.fields(2, "request", known: ["method", "path", "json", "body", "headers"])
        guard let path = try fields.string("path"), isPath(path) else {
            throw arguments.invalid("request", "a path that begins with / and has no spaces expected")
        }
        let json = try fields.json("json")
        let body = try fields.bytes("body")
        guard json == nil || body == nil else {
            throw arguments.invalid("request", "json or body: one of the two expected")
        }
        let method = try fields.string("method") ?? (json == nil && body == nil ? "GET" : "POST")
        guard !method.isEmpty, method.utf8.allSatisfy({ ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A }) else {
            throw arguments.invalid("request.method", "a word such as GET expected, got \"\(method)\"")
        }
        var request = TestRequest(method: method.uppercased(), target: path, body: json ?? body)
        request.fields = try headers(fields, arguments)
        if request.body != nil, !request.fields.contains(where: { $0.name.lowercased() == "content-type" }) {
            request.fields.append(("content-type", "application/json"))
        }
        return request
    }

    private static func headers(
        _ fields: NamedFields, _ arguments: CallArguments
    ) throws(LuaFailure) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        for header in try fields.texts("headers") {
            guard (header.name + header.value).utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                throw arguments.invalid("headers", "'\(header.name)': text without line breaks expected")
            }
            headers.append(header)
        }
        return headers
    }

    // MARK: The clock, faults, versions

    private static func installControl(_ host: TestHost, directory: String, on stack: LuaStack) {
        stack.setMethod("advance", of: "host") { (arguments) throws(LuaFailure) in
            let seconds = try arguments.number(2, "seconds")
            guard seconds >= 0, seconds <= 1e9 else { throw arguments.invalid("seconds", "0 to 1e9 expected") }
            guard host.elapsed + seconds <= TestHost.longest else {
                throw arguments.invalid("seconds", "the clock of a host goes \(Int(TestHost.longest)) seconds at most")
            }
            try host.advance(by: seconds)
            return .results(0)
        }
        stack.setMethod("fail", of: "host") { (arguments) throws(LuaFailure) in
            let name = try arguments.string(2, "kind")
            guard let kind = FaultPlan.Kind(rawValue: name) else {
                throw arguments.invalid("kind", "\"kafka\", \"mqtt\", \"http\" or \"store\" expected, got \"\(name)\"")
            }
            let message = try arguments.string(3, "message")
            let times = arguments.isMissing(4) ? 1 : try arguments.number(4, "times")
            guard let count = Int(exactly: times), count >= 0 else {
                throw arguments.invalid("times", "a whole number from 0 expected")
            }
            host.faults.order(kind, message, times: count)
            return .results(0)
        }
        stack.setMethod("answer", of: "host") { (arguments) throws(LuaFailure) in
            host.outbound.prepare(try answer(arguments))
            return .results(0)
        }
        stack.setMethod("reload", of: "host") { (arguments) throws(LuaFailure) in
            let path = try arguments.optionalString(2, "path")
            do throws(ScriptFailure) {
                let version: String
                if let path {
                    version = try host.load(TestPath.resolve(path, in: directory))
                } else {
                    version = try host.reload()
                }
                arguments.stack.push(version)
                return .results(1)
            } catch {
                return done(arguments.call, error.message)
            }
        }
        stack.setMethod("stop", of: "host") { (_) throws(LuaFailure) in
            try host.stop()
            return .results(0)
        }
    }

    private static func answer(_ arguments: CallArguments) throws(LuaFailure) -> OutboundCapture.Prepared {
        let fields = try arguments.fields(2, "answer", known: ["url", "method", "status", "json", "body", "headers"])
        guard let url = try fields.string("url") else { throw arguments.invalid("answer", "a url is missing") }
        let json = try fields.json("json")
        var headers = try fields.texts("headers")
        if json != nil, !headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            headers.append(("content-type", "application/json"))
        }
        let body = try fields.bytes("body")
        return OutboundCapture.Prepared(
            url: url, method: try fields.string("method")?.uppercased(),
            answer: HTTPAnswer(
                status: Int(try fields.integer("status", in: 100...599) ?? 200), headers: headers,
                body: json ?? body ?? ByteBuffer()))
    }
}
