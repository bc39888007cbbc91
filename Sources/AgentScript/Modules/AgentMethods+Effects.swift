import AgentModel
import LuaRuntime
import NIOCore

extension AgentMethods {
    /// A method that acts on the world: only in handlers.
    static func method(
        _ name: String, on stack: LuaStack, for script: ScriptContext, _ body: @escaping LuaHostFunction
    ) {
        let qualified = "agent:\(name)"
        stack.setFunction(name) { [unowned script] (call) throws(LuaFailure) in
            try script.requireAgent(call)
            try script.requireRunning(qualified)
            return try body(call)
        }
    }

    static func installEffects(on stack: LuaStack, for script: ScriptContext) {
        for transport in script.transports { installSend(to: transport, on: stack, for: script) }
        method("emit", on: stack, for: script) { [unowned script] (call) throws(LuaFailure) in
            guard let event = try event(Arguments(call), for: script) else {
                call.stack.push(true)
                return .results(1)
            }
            return script.answer(.event(event), call)
        }
        method("broadcast", on: stack, for: script) { [unowned script] (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            let type = try arguments.string(2, "message_type")
            guard script.hears(.broadcast) else {
                try arguments.checkObject(3, "payload")
                call.stack.push(0)
                return .results(1)
            }
            let payload = try arguments.object(3, "payload")
            return script.answer(.broadcast(type: type, payload: payload), call)
        }
        method("publish", on: stack, for: script) { [unowned script] (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            let topic = try arguments.string(2, "topic")
            guard !topic.isEmpty else { throw arguments.invalid("topic", "a name expected, got \"\"") }
            guard script.hears(.topic(topic)) else {
                try arguments.checkJSON(3, "payload")
                call.stack.push(0)
                return .results(1)
            }
            return script.answer(.publish(topic: topic, data: try arguments.json(3, "payload")), call)
        }
        method("send_to_client", on: stack, for: script) { [unowned script] (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            let client = try arguments.string(2, "client_id")
            let type = try arguments.string(3, "message_type")
            return script.answer(.client(id: client, type: type, payload: try arguments.object(4, "payload")), call)
        }
        method("process", on: stack, for: script) { [unowned script] (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            let type = try arguments.string(2, "task_type")
            guard script.handlers.tasks[type] != nil else {
                let known = Array(script.handlers.tasks.keys)
                throw arguments.invalid("task_type", TaskFailure.unknownTask(type, known: known).description)
            }
            try call.requireWait()
            if arguments.isMissing(3) {
                call.stack.newTable()
            } else {
                guard call.stack.type(at: 3) == .table else { throw arguments.wrong("payload", "table", at: 3) }
                call.stack.pushValue(at: 3)
            }
            return script.wait(.task(type: type, payload: call.stack.reference()))
        }
        method("flush", on: stack, for: script) { [unowned script] (call) throws(LuaFailure) in
            try call.requireWait()
            return script.wait(.flush)
        }
    }

    /// The event that a script emits; nil when nobody hears it.
    private static func event(
        _ arguments: Arguments, for script: ScriptContext
    ) throws(LuaFailure) -> RealtimeEvent? {
        let fields = try EventFields(arguments, at: 2)
        if script.handlers.events[fields.type] != nil || script.handlers.events["*"] != nil {
            try script.require(.invocation)
        }
        let isHeard = script.hears(.event(topic: fields.topic), eventType: fields.type)
        let event = try fields.event(
            id: script.identifier(), data: try fields.data(isHeard: isHeard), time: script.now(),
            service: script.declaration?.settings.serviceName ?? "",
            agent: script.declaration?.interface.name)
        return isHeard ? event : nil
    }
}
