import AgentModel
import LuaRuntime

/// The methods of an agent: `agent:task`, `agent:on_message`, `agent:send_kafka` and the others.
enum AgentMethods {
    /// Adds them to the table on top of the stack.
    static func install(on stack: LuaStack, in generation: Generation) {
        installRegistration(on: stack, in: generation)
        installEffects(on: stack, in: generation)
        installTimers(on: stack, in: generation)
    }

    /// A method that registers a handler: only while the script loads.
    private static func registration(
        _ name: String, on stack: LuaStack, in generation: Generation,
        _ body: @escaping (Arguments, LuaCall) throws(LuaFailure) -> Void
    ) {
        stack.setFunction(name) { [unowned generation] (call) throws(LuaFailure) in
            try generation.requireAgent(call)
            try generation.requireLoading("agent:\(name)")
            try generation.countHandler()
            try body(Arguments(call), call)
            return .results(0)
        }
    }

    private static func installRegistration(on stack: LuaStack, in generation: Generation) {
        registration("task", on: stack, in: generation) { [unowned generation] (arguments, _) throws(LuaFailure) in
            let type = try arguments.string(2, "task_type")
            guard generation.handlers.tasks[type] == nil else {
                throw arguments.invalid(
                    "task_type",
                    "task \"\(type)\" has a handler already\(place(of: generation.handlers.tasks[type], arguments.stack))"
                )
            }
            generation.handlers.tasks[type] = try arguments.function(3, "fn")
        }
        registration("on_message", on: stack, in: generation) {
            [unowned generation] (arguments, call) throws(LuaFailure) in
            generation.handlers.messages.append(try messageHandler(arguments, call, in: generation))
        }
        registration("on_event", on: stack, in: generation) {
            [unowned generation] (arguments, call) throws(LuaFailure) in
            let type = try arguments.string(2, "event_type")
            // As FastAPI's applications have them.
            if let method = ["startup": "on_start", "shutdown": "on_stop"][type] {
                let place = call.stack.location(level: 1) ?? generation.snapshot.name
                generation.warnings.append(
                    "\(place): agent:on_event hears what agents emit, and \"\(type)\" only if one does; agent:\(method)(fn) is meant?"
                )
            }
            generation.handlers.events[type, default: []].append(try arguments.function(3, "fn"))
        }
        registration("on_websocket", on: stack, in: generation) {
            [unowned generation] (arguments, call) throws(LuaFailure) in
            let type = try arguments.string(2, "message_type")
            if generation.declaration?.interface.isRealtime == false {
                let place = call.stack.location(level: 1) ?? generation.snapshot.name
                generation.warnings.append(
                    "\(place): agenthost.agent has no WebSockets, so that nothing calls this; agenthost.realtime_agent has them"
                )
            }
            guard !["subscribe", "unsubscribe", "ping", "agent_request"].contains(type) else {
                throw arguments.invalid("message_type", "\"\(type)\" is answered by the host")
            }
            guard generation.handlers.websocket[type] == nil else {
                throw arguments.invalid(
                    "message_type",
                    "\"\(type)\" has a handler already\(place(of: generation.handlers.websocket[type], arguments.stack))"
                )
            }
            generation.handlers.websocket[type] = try arguments.function(3, "fn")
        }
        registration("on_start", on: stack, in: generation) { [unowned generation] (arguments, _) throws(LuaFailure) in
            generation.handlers.start.append(try arguments.function(2, "fn"))
        }
        registration("on_stop", on: stack, in: generation) { [unowned generation] (arguments, _) throws(LuaFailure) in
            generation.handlers.stop.append(try arguments.function(2, "fn"))
        }
        registration("on_upgrade", on: stack, in: generation) {
            [unowned generation] (arguments, _) throws(LuaFailure) in
            guard generation.handlers.upgrade == nil else { throw arguments.invalid("fn", "there is one already") }
            generation.handlers.upgrade = try arguments.function(2, "fn")
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
        _ arguments: Arguments, _ call: LuaCall, in generation: Generation
    ) throws(LuaFailure) -> HandlerTable.Message {
        let topic = try arguments.string(2, "topic")
        guard let filter = try? TopicFilter(topic) else {
            throw arguments.invalid(
                "topic", "\"\(topic)\" is no topic or MQTT filter: # stands last and alone, + alone between slashes")
        }
        let function = try arguments.function(3, "fn")
        var handler = HandlerTable.Message(
            filter: filter, function: function, source: nil, attempts: 3, backoff: 0.2, onError: .dlq, concurrency: 1,
            deliversToEvery: false,
            location: call.stack.location(level: 1) ?? generation.snapshot.name)
        let known = ["source", "attempts", "backoff", "on_error", "concurrency", "deliver", "json"]
        if let options = try arguments.options(4, "options", known: known, instead: Misnomer.ofMessageOption) {
            if let source = try options.string("source") {
                guard let known = MessageSource(rawValue: source) else {
                    throw arguments.invalid("options.source", "\"kafka\" or \"mqtt\" expected, got \"\(source)\"")
                }
                handler.source = known
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
                handler.exactNumbers = json == "exact"
            }
            if let concurrency = try options.integer("concurrency", in: 1...10_000) {
                handler.concurrency = concurrency
            }
        }
        try call.charge(10 * generation.handlers.messages.count)
        let earlier = generation.handlers.messages.first {
            $0.filter.text == topic && ($0.source == nil || handler.source == nil || $0.source == handler.source)
        }
        if let earlier {
            throw arguments.invalid("topic", "\"\(topic)\" has a handler already, from \(earlier.location)")
        }
        if handler.source == .kafka, !filter.hasWildcards, !KafkaTopicName.isValid(topic) {
            throw arguments.invalid(
                "topic", "\"\(topic)\" can be no Kafka topic: letters, digits, '.', '_' and '-' expected")
        }
        if filter.hasWildcards, handler.source == .kafka {
            throw arguments.invalid("topic", "\"\(topic)\" has MQTT wildcards; a Kafka topic is named in full")
        }
        if let doubt = TopicDoubt.of(filter, source: handler.source) {
            generation.warnings.append("\(handler.location): \(doubt)")
        }
        return handler
    }

    private static func installTimers(on stack: LuaStack, in generation: Generation) {
        for (name, repeats) in [("every", true), ("after", false)] {
            stack.setFunction(name) { [unowned generation] (call) throws(LuaFailure) in
                try generation.requireAgent(call)
                let arguments = Arguments(call)
                let seconds = try arguments.number(2, "seconds")
                guard repeats ? seconds >= 0.001 : seconds >= 0, seconds <= 1e8 else {
                    throw arguments.invalid("seconds", repeats ? "0.001 or more expected" : "0 or more expected")
                }
                try generation.require(.timer)
                if !generation.isLoading { try generation.require(.invocation) }
                generation.timerCount += 1
                let timer = ScriptTimer(
                    identifier: generation.timerCount, interval: seconds, repeats: repeats,
                    function: try arguments.function(3, "fn"))
                if generation.isLoading {
                    generation.handlers.timers.append(timer)
                } else {
                    generation.host.schedule(timer, in: generation)
                }
                pushTimer(timer, on: call.stack, in: generation)
                return .results(1)
            }
        }
    }

    /// A handle with one method: `timer:cancel()`.
    private static func pushTimer(_ timer: ScriptTimer, on stack: LuaStack, in generation: Generation) {
        stack.newTable(array: 0, fields: 1)
        stack.setFunction("cancel") { [unowned generation] call in
            if !timer.isCancelled {
                timer.isCancelled = true
                generation.host.cancel(timer, in: generation)
            }
            return .results(0)
        }
    }
}

extension Generation {
    /// A method was called with a colon, on the agent.
    func requireAgent(_ call: LuaCall) throws(LuaFailure) {
        guard let agentReference else { throw LuaFailure("the agent is not made yet") }
        call.stack.push(agentReference)
        let isAgent = call.argumentCount >= 1 && call.stack.rawEqual(1, -1)
        call.stack.pop(1)
        if !isAgent { throw LuaFailure("call it with a colon: agent:\(call.name)(…)") }
    }
}
