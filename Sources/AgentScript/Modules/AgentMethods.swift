import AgentModel
import LuaRuntime

/// The methods of an agent: `agent:task`, `agent:on_message`, `agent:send_kafka` and the others.
enum AgentMethods {
    /// Adds them to the table on top of the stack.
    static func install(on stack: LuaStack, for script: ScriptContext) {
        installRegistration(on: stack, for: script)
        installEffects(on: stack, for: script)
        installTimers(on: stack, for: script)
    }

    /// A method that registers a handler: only while the script loads.
    private static func registration(
        _ name: String, on stack: LuaStack, for script: ScriptContext,
        _ body: @escaping (Arguments, LuaCall) throws(LuaFailure) -> Void
    ) {
        stack.setFunction(name) { [unowned script] (call) throws(LuaFailure) in
            try script.requireAgent(call)
            try script.requireLoading("agent:\(name)")
            try script.handlers.count()
            try body(Arguments(call), call)
            return .results(0)
        }
    }

    private static func installRegistration(on stack: LuaStack, for script: ScriptContext) {
        registration("task", on: stack, for: script) { [unowned script] (arguments, _) throws(LuaFailure) in
            let type = try arguments.string(2, "task_type")
            guard script.handlers.tasks[type] == nil else {
                throw arguments.invalid(
                    "task_type",
                    "task \"\(type)\" has a handler already\(place(of: script.handlers.tasks[type]?.function, arguments.stack))"
                )
            }
            script.handlers.tasks[type] = HandlerTable.Task(
                function: try arguments.function(3, "fn"), fields: TaskFields(readByHandlerAt: 3, on: arguments.stack))
        }
        registration("on_message", on: stack, for: script) {
            [unowned script] (arguments, call) throws(LuaFailure) in
            script.handlers.messages.append(try messageHandler(arguments, call, for: script))
        }
        registration("on_event", on: stack, for: script) {
            [unowned script] (arguments, call) throws(LuaFailure) in
            let type = try arguments.string(2, "event_type")
            // As FastAPI's applications have them.
            if let method = ["startup": "on_start", "shutdown": "on_stop"][type] {
                script.warn(
                    "agent:on_event hears what agents emit, and \"\(type)\" only if one does; agent:\(method)(fn) is meant?",
                    on: call.stack)
            }
            script.handlers.events[type, default: []].append(try arguments.function(3, "fn"))
        }
        registration("on_websocket", on: stack, for: script) {
            [unowned script] (arguments, call) throws(LuaFailure) in
            let type = try arguments.string(2, "message_type")
            if script.declaration?.interface.isRealtime == false {
                script.warn(
                    "agenthost.agent has no WebSockets, so that nothing calls this; agenthost.realtime_agent has them",
                    on: call.stack)
            }
            guard !["subscribe", "unsubscribe", "ping", "agent_request"].contains(type) else {
                throw arguments.invalid("message_type", "\"\(type)\" is answered by the host")
            }
            guard script.handlers.websocket[type] == nil else {
                throw arguments.invalid(
                    "message_type",
                    "\"\(type)\" has a handler already\(place(of: script.handlers.websocket[type], arguments.stack))"
                )
            }
            script.handlers.websocket[type] = try arguments.function(3, "fn")
        }
        registration("on_start", on: stack, for: script) { [unowned script] (arguments, _) throws(LuaFailure) in
            script.handlers.start.append(try arguments.function(2, "fn"))
        }
        registration("on_stop", on: stack, for: script) { [unowned script] (arguments, _) throws(LuaFailure) in
            script.handlers.stop.append(try arguments.function(2, "fn"))
        }
        registration("on_upgrade", on: stack, for: script) {
            [unowned script] (arguments, _) throws(LuaFailure) in
            guard script.handlers.upgrade == nil else { throw arguments.invalid("fn", "there is one already") }
            script.handlers.upgrade = try arguments.function(2, "fn")
        }
    }

    /// ", from file:line" of a handler.
    private static func place(of function: LuaReference?, _ stack: LuaStack) -> String {
        guard let function else { return "" }
        stack.push(function)
        defer { stack.pop(1) }
        return stack.definition(ofFunctionAt: -1).map { ", from \($0)" } ?? ""
    }

    private static func messageHandler(
        _ arguments: Arguments, _ call: LuaCall, for script: ScriptContext
    ) throws(LuaFailure) -> HandlerTable.Message {
        let topic = try arguments.string(2, "topic")
        guard let filter = try? TopicFilter(topic) else {
            throw arguments.invalid(
                "topic", "\"\(topic)\" is no topic or MQTT filter: # stands last and alone, + alone between slashes")
        }
        let function = try arguments.function(3, "fn")
        let handler = HandlerTable.Message(
            filter: filter, function: function, fields: MessageFields(readByHandlerAt: 3, on: call.stack),
            location: script.place(on: call.stack))
        let known = ["source", "attempts", "backoff", "on_error", "concurrency", "deliver", "json", "decode"]
        if let options = try arguments.options(4, "options", known: known, instead: Misnomer.ofMessageOption) {
            if let source = try options.string("source") {
                guard let known = script.transports.first(where: { $0.name.description == source }) else {
                    let names = script.transports.map { "\"\($0.name)\"" }.joined(separator: " or ")
                    throw arguments.invalid("options.source", "\(names) expected, got \"\(source)\"")
                }
                handler.source = known.name
            }
            if let attempts = try options.integer("attempts", in: 1...1000) { handler.attempts = attempts }
            if let backoff = try options.number("backoff") {
                guard backoff >= 0, backoff <= 3600 else {
                    throw arguments.invalid("options.backoff", "0 to 3600 seconds expected")
                }
                handler.backoff = backoff
            }
            if let name = try options.string("on_error") {
                guard let onError = OnError(rawValue: name) else {
                    throw arguments.invalid(
                        "options.on_error", "\"dlq\", \"skip\" or \"stop\" expected, got \"\(name)\"")
                }
                handler.onError = onError
            }
            if let deliver = try options.string("deliver") {
                guard ["every", "one"].contains(deliver) else {
                    throw arguments.invalid("options.deliver", "\"every\" or \"one\" expected, got \"\(deliver)\"")
                }
                handler.deliversToEvery = deliver == "every"
            }
            if let json = try options.string("json") {
                guard ["exact", "plain"].contains(json) else {
                    throw arguments.invalid("options.json", "\"exact\" or \"plain\" expected, got \"\(json)\"")
                }
                handler.payload = json == "exact" ? .exact : .decoded
            }
            if let decodes = try options.boolean("decode"), !decodes {
                guard handler.payload != .exact else {
                    throw arguments.invalid("options.json", "with decode = false no number is read, exactly or not")
                }
                handler.payload = .bytes
            }
            if let concurrency = try options.integer("concurrency", in: 1...10_000) {
                handler.concurrency = concurrency
            }
        }
        try call.charge(10 * script.handlers.messages.count)
        let earlier = script.handlers.messages.first {
            $0.filter.text == topic && ($0.source == nil || handler.source == nil || $0.source == handler.source)
        }
        if let earlier {
            throw arguments.invalid("topic", "\"\(topic)\" has a handler already, from \(earlier.location)")
        }
        handler.sources = script.transports
            .filter { (handler.source == nil || handler.source == $0.name) && $0.accepts(filter) }.map(\.name)
        if let source = script.transports.first(where: { $0.name == handler.source }), handler.sources.isEmpty {
            throw arguments.invalid(
                "topic",
                filter.hasWildcards
                    ? "\"\(topic)\" has MQTT wildcards; a \(source.title) topic is named in full"
                    : "\"\(topic)\" can be no \(source.title) topic: \(source.topicWords) expected")
        }
        if let doubt = TopicDoubt.of(filter, source: handler.source) {
            script.warn(doubt, on: call.stack)
        }
        return handler
    }

    private static func installTimers(on stack: LuaStack, for script: ScriptContext) {
        for (name, repeats) in [("every", true), ("after", false)] {
            stack.setFunction(name) { [unowned script] (call) throws(LuaFailure) in
                try script.requireAgent(call)
                let arguments = Arguments(call)
                let seconds = try arguments.number(2, "seconds")
                guard repeats ? seconds >= 0.001 : seconds >= 0, seconds <= 1e8 else {
                    throw arguments.invalid("seconds", repeats ? "0.001 or more expected" : "0 or more expected")
                }
                try script.require(.timer)
                if !script.isLoading { try script.require(.invocation) }
                let timer = script.start(
                    seconds: seconds, repeats: repeats, function: try arguments.function(3, "fn"))
                pushTimer(timer, on: call.stack, for: script)
                return .results(1)
            }
        }
    }

    /// A handle with one method: `timer:cancel()`.
    private static func pushTimer(_ timer: ScriptTimer, on stack: LuaStack, for script: ScriptContext) {
        stack.newTable(array: 0, fields: 1)
        stack.setFunction("cancel") { [unowned script] call in
            script.cancel(timer)
            return .results(0)
        }
    }
}
