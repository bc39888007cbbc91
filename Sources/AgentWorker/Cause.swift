import AgentModel
import AgentScript
package import Logging
import NIOCore

/// What a function of a script runs for: whom a line of the log, a trace or a tap is about.
package struct Cause: Sendable, Equatable {
    package var agent: String
    /// Of the script; empty while it loads.
    package var version: String
    /// What runs, for people: "task greet", "handler of orders".
    package var handler: String?
    /// A message's place at its broker (`topic/partition/offset`), or the `message_id` that a WebSocket client gave it.
    package var messageID: String?
    /// Of a message whose broker has no places.
    package var topic: String?
    /// The handler's, where several have the message.
    package var filter: String?
    /// How often the message has been tried, this time included.
    package var attempt = 1
    package var clientID: String?
    package var taskID: String?
    package var eventID: String?
    /// What all that follows from one request has in common: its task's UUID, or the event's own.
    package var correlationID: String?
    /// The header of that name that came with the message or the request, as it came (W3C Trace Context, section 3.2).
    package var traceparent: String?

    private init(agent: String, version: String) {
        self.agent = agent
        self.version = version
    }

    init(_ handler: HandlerName?, of script: ScriptContext, in scope: EffectScope?) {
        self.init(agent: script.name, version: script.version)
        scope?.describe(in: &self)
        add(handler)
    }

    init(_ handler: HandlerName?, of script: ScriptContext, for owner: any ScopeOwner) {
        self.init(agent: script.name, version: script.version)
        owner.describe(in: &self)
        add(handler)
    }

    /// Of what no function of a version runs for, or none any more.
    init(agent: String, for owner: any ScopeOwner) {
        self.init(agent: agent, version: "")
        owner.describe(in: &self)
    }

    private mutating func add(_ handler: HandlerName?) {
        guard let handler else { return }
        self.handler = "\(handler)"
        describe(handler)
    }

    private mutating func describe(_ handler: HandlerName) {
        switch handler {
        case .task(_, let id):
            taskID = "\(id)"
            correlationID = taskID
        case .event(_, let id, let correlation):
            eventID = id
            if let correlation { correlationID = correlation }
        case .websocket(_, let message): messageID = message
        case .spawned(let parent): if let parent { describe(parent) }
        case .message, .raw, .function: break
        }
    }

    /// As fields of a line of the log.
    package var metadata: Logger.Metadata {
        var fields: Logger.Metadata = ["agent": "\(agent)"]
        func add(_ name: String, _ value: String?) {
            if let value { fields[name] = "\(value)" }
        }
        add("version", version.isEmpty ? nil : version)
        add("handler", handler)
        add("message_id", messageID)
        add("topic", topic)
        add("filter", filter)
        if attempt > 1 { fields["attempt"] = .stringConvertible(attempt) }
        add("client_id", clientID)
        add("task_id", taskID)
        add("event_id", eventID)
        add("correlation_id", correlationID)
        return fields
    }
}

extension Cause {
    private static let traceparent = Array("traceparent".utf8)

    /// Of a message's headers, or of a request's head. Several are none.
    static func traceparent(of headers: [MessageHeader]) -> String? {
        let found = headers.filter { $0.name.utf8.elementsEqual(traceparent) }
        guard found.count == 1, let value = found[0].value else { return nil }
        return String(decoding: value, as: UTF8.self)
    }

    static func traceparent(of request: RequestContext) -> String? {
        guard request.head.readableBytes > 0 else { return nil }
        var found: [String] = []
        request.head.withUnsafeReadableBytes { head in
            RequestHeadText.eachField(head) { name, value in
                guard name.count == traceparent.count, name.elementsEqual(traceparent, by: { $0 | 0x20 == $1 }) else {
                    return
                }
                found.append(String(decoding: value, as: UTF8.self))
            }
        }
        return found.count == 1 ? found[0] : nil
    }
}
