import AgentModel
import LuaRuntime

/// The endpoints of a declaration.
extension AgentModule {
    private static func path(_ reader: TableReader, _ what: String) throws(LuaFailure) -> RoutePath {
        guard let path = try reader.string("path") else { throw LuaFailure("\(what): a path is missing") }
        guard path.hasPrefix("/"), path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3F && $0 != 0x23 }) else {
            throw LuaFailure("\(what): a path that begins with / and has no spaces, ? or # expected, got \"\(path)\"")
        }
        do throws(RoutePath.Fault) {
            return try RoutePath(path)
        } catch {
            throw LuaFailure("\(what): the path \"\(path)\" \(error)")
        }
    }

    /// The item on top of the stack is a table.
    private static func requireTable(_ stack: LuaStack, _ what: String, as example: String) throws(LuaFailure) {
        guard stack.type(at: -1) == .table else {
            throw LuaFailure("\(what): a table expected, got \(stack.typeName(at: -1)); it is written \(example)")
        }
    }

    /// A topic in which `{name}` may stand for a parameter of the path.
    private static func topic(_ topic: String, on path: RoutePath, _ what: String) throws(LuaFailure) -> String {
        if let name = path.unknownName(in: topic) {
            throw LuaFailure(
                "\(what): the topic \"\(topic)\" has {\(name)}, which is no parameter of \(path.text)")
        }
        return topic
    }

    /// Notes a path; refuses one that takes the same requests as an earlier one.
    private static func note(
        _ path: RoutePath, _ method: String, in declared: inout [String: RoutePath], _ what: String
    ) throws(LuaFailure) {
        guard let other = declared.updateValue(path, forKey: "\(method) \(path.shape)") else { return }
        let route = [method, path.text].filter { !$0.isEmpty }.joined(separator: " ")
        let name = other == path ? "" : ", as \(other.text)"
        throw LuaFailure("\(what): \(route) is declared twice\(name)")
    }

    private static let methods: Set<String> = ["GET", "POST", "PUT", "PATCH", "DELETE"]

    static func endpoints(
        _ reader: TableReader, for script: ScriptContext
    ) throws(LuaFailure) -> [AgentInterface.Endpoint] {
        var endpoints: [AgentInterface.Endpoint] = []
        var declared: [String: RoutePath] = [:]
        let example = "{ path = \"/path\", task_type = \"task\" }"
        try reader.eachItem("endpoints", expected: "a list of tables", as: "{ \(example) }") {
            (position) throws(LuaFailure) in
            let what = "endpoints[\(position)]"
            try requireTable(reader.stack, what, as: example)
            let item = try TableReader(
                reader.stack, at: -1, what: "field of \(what)",
                known: ["path", "task_type", "method", "description", "parameters", "body"],
                instead: Misnomer.ofEndpointField)
            let path = try path(item, what)
            if let doubt = PathDoubt.of(path.text) { script.warn("\(what): \(doubt)", on: reader.stack) }
            let method = (try item.string("method") ?? "POST").uppercased()
            guard methods.contains(method) else {
                throw LuaFailure(
                    "\(what): method \"\(method)\" is not one of \(methods.sorted().joined(separator: ", "))")
            }
            guard let taskType = try item.string("task_type"), !taskType.isEmpty else {
                throw LuaFailure("\(what) (\(path.text)): a task_type is missing")
            }
            try script.handlers.count()
            try note(path, method, in: &declared, what)
            if item.has("parameters") {
                guard item.stack.getField("parameters", of: item.index) == .table,
                    ModelSchema.find(at: item.stack.top, on: item.stack) != nil
                else {
                    item.stack.pop(1)
                    throw LuaFailure("\(what): parameters must be a model, as agenthost.model { … } makes one")
                }
                script.handlers.parameterModels[taskType] = item.stack.reference()
            }
            let body = try item.string("body")
            guard body == nil || body == "any" else {
                throw LuaFailure("\(what): body is \"any\", or left out for the task envelope {query, parameters, …}")
            }
            endpoints.append(
                AgentInterface.Endpoint(path: path.text, method: method, taskType: taskType, takesAnyBody: body != nil))
        }
        return endpoints
    }

    static func websocketEndpoints(
        _ reader: TableReader, for script: ScriptContext
    ) throws(LuaFailure) -> [AgentInterface.WebSocketEndpoint] {
        var endpoints: [AgentInterface.WebSocketEndpoint] = []
        var declared: [String: RoutePath] = [:]
        let example = "{ path = \"/ws/name\" }"
        try reader.eachItem("websocket_endpoints", expected: "a list of tables", as: "{ \(example) }") {
            (position) throws(LuaFailure) in
            let what = "websocket_endpoints[\(position)]"
            try requireTable(reader.stack, what, as: example)
            let item = try TableReader(
                reader.stack, at: -1, what: "field of \(what)",
                known: ["path", "auto_subscribe", "subprotocols", "on_message", "on_open", "on_close", "description"],
                instead: Misnomer.ofWebSocketField)
            let path = try path(item, what)
            if let doubt = PathDoubt.of(path.text) { script.warn("\(what): \(doubt)", on: reader.stack) }
            try script.handlers.count()
            try note(path, "", in: &declared, what)
            let topics = try item.strings("auto_subscribe") ?? []
            for name in topics { _ = try topic(name, on: path, what) }
            let onMessage = try item.function("on_message")
            if let onMessage {
                if !topics.isEmpty {
                    throw LuaFailure(
                        "\(what): on_message makes the endpoint raw, and a raw endpoint has no auto_subscribe")
                }
                script.handlers.raw[path.text] = HandlerTable.RawEndpoint(
                    onOpen: try item.function("on_open"), onMessage: onMessage, onClose: try item.function("on_close"))
            } else if item.has("on_open") || item.has("on_close") {
                throw LuaFailure(
                    "\(what): on_open and on_close belong to a raw endpoint, which declares on_message too")
            }
            endpoints.append(
                .init(
                    path: path.text, autoSubscribe: topics, isRaw: onMessage != nil,
                    subprotocols: try subprotocols(item, what)))
        }
        return endpoints
    }

    /// Tokens, as RFC 6455 section 11.3.4 has them; the first that a client offers is agreed on.
    private static func subprotocols(_ reader: TableReader, _ what: String) throws(LuaFailure) -> [String] {
        let names = try reader.strings("subprotocols") ?? []
        var seen: Set<String> = []
        for (position, name) in names.enumerated() {
            let isToken = name.utf8.allSatisfy { byte in
                byte > 0x20 && byte < 0x7F && !"\"(),/:;<=>?@[\\]{}".utf8.contains(byte)
            }
            guard isToken, !name.isEmpty else {
                throw LuaFailure(
                    "\(what): subprotocols[\(position + 1)]: a name without spaces and separators expected, got \"\(name)\""
                )
            }
            guard seen.insert(name).inserted else {
                throw LuaFailure("\(what): subprotocols[\(position + 1)]: \"\(name)\" is there twice")
            }
        }
        return names
    }

    static func streamingEndpoints(
        _ reader: TableReader, for script: ScriptContext
    ) throws(LuaFailure) -> [AgentInterface.StreamingEndpoint] {
        var endpoints: [AgentInterface.StreamingEndpoint] = []
        var declared: [String: RoutePath] = [:]
        let example = "{ path = \"/stream/name\", topic = \"name\" }"
        try reader.eachItem("streaming_endpoints", expected: "a list of tables", as: "{ \(example) }") {
            (position) throws(LuaFailure) in
            let what = "streaming_endpoints[\(position)]"
            try requireTable(reader.stack, what, as: example)
            let item = try TableReader(
                reader.stack, at: -1, what: "field of \(what)", known: ["path", "topic", "description"])
            let path = try path(item, what)
            guard let name = try item.string("topic"), !name.isEmpty else {
                throw LuaFailure("\(what) (\(path.text)): a topic is missing")
            }
            try script.handlers.count()
            try note(path, "", in: &declared, what)
            endpoints.append(.init(path: path.text, topic: try topic(name, on: path, what)))
        }
        return endpoints
    }
}
