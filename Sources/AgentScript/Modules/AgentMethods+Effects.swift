import AgentModel
import LuaRuntime
import NIOCore

extension AgentMethods {
    /// A method that acts on the world: only in handlers.
    private static func method(
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
        let kafkaTopic = LatestTopic { KafkaTopicName.isValid($0) }
        let mqttTopic = LatestTopic { TopicFilter.isValidTopicName($0) }
        method("send_kafka", on: stack, for: script) { [unowned script] (call) throws(LuaFailure) in
            let record = try kafkaRecord(Arguments(call), kafkaTopic)
            return script.answer(.send(.kafka, record), call)
        }
        method("send_mqtt", on: stack, for: script) { [unowned script] (call) throws(LuaFailure) in
            let publication = try mqttPublication(Arguments(call), mqttTopic)
            return script.answer(.send(.mqtt, publication), call)
        }
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

    private static let kafkaOptions = ["key", "headers", "partition"]
    private static let mqttOptions = ["qos", "retain"]

    private static func kafkaRecord(
        _ arguments: Arguments, _ latest: LatestTopic
    ) throws(LuaFailure) -> Record {
        let topic = try latest.topic(2, arguments) {
            "\"\($0)\" is no Kafka topic: 1 to 249 letters, digits, '.', '_' and '-' expected"
        }
        var record = Record(topic: topic, value: try arguments.payload(3, "value"))
        if let options = try arguments.options(4, "options", known: kafkaOptions) {
            let stack = options.stack
            let type = stack.getField("key", of: options.index)
            if type == .string {
                record.key = stack.withBytes(at: -1) { ByteBuffer(bytes: $0) }
            } else if type == .integer || type == .number {
                record.key = ByteBuffer(string: stack.displayString(at: -1))
            } else if type != .nil && type != .null {
                defer { stack.pop(1) }
                throw options.wrong("key", "string")
            }
            stack.pop(1)
            if let partition = try options.integer("partition", in: 0...Int(Int32.max)) {
                record.options = [Record.Option("partition", .integer(Int64(partition)))]
            }
            record.headers = try options.headers("headers") ?? []
        }
        return record
    }

    private static func mqttPublication(
        _ arguments: Arguments, _ latest: LatestTopic
    ) throws(LuaFailure) -> Record {
        let topic = try latest.topic(2, arguments) {
            "\"\($0)\" is no MQTT topic to publish to: a name without the wildcards + and # expected"
        }
        var publication = Record(topic: topic, value: try arguments.payload(3, "payload") ?? ByteBuffer())
        if let options = try arguments.options(4, "options", known: mqttOptions) {
            if let qos = try options.integer("qos", in: 0...2) {
                publication.options.append(Record.Option("qos", .integer(Int64(qos))))
            }
            if let retain = try options.boolean("retain") {
                publication.options.append(Record.Option("retain", .flag(retain)))
            }
        }
        return publication
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
