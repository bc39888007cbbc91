package import AgentModel
package import LuaRuntime

/// The functions that a script registered, by what calls them.
package struct HandlerTable {
    /// `agent:on_message`. It does not change once the script is loaded.
    package final class Message {
        package let filter: TopicFilter
        package let function: LuaReference
        /// nil: whichever transport is there.
        package internal(set) var source: TransportName?
        /// The transports on which the topic is subscribed where they are there: without a `source`, those that accept it.
        package internal(set) var sources: [TransportName] = []
        /// How often a failing message is tried, the first time included.
        package internal(set) var attempts = 3
        /// Seconds before the second attempt; doubles with each.
        package internal(set) var backoff = 0.2
        package internal(set) var onError = OnError.dlq
        /// How many messages of one lane may be in the handler at once; above 1 their order is given up.
        package internal(set) var concurrency = 1
        /// Kafka: true for every message to every host that subscribes (no consumer group), false for each message to one.
        package internal(set) var deliversToEvery = false
        /// What the handler gets of the payload.
        package internal(set) var payload = PayloadForm.decoded
        /// What it can see of the message beside the payload.
        package let fields: MessageFields
        /// nil: each message has a table of its own.
        package let tables: MessageTables?
        /// `file:line` of the registration.
        package let location: String

        init(filter: TopicFilter, function: LuaReference, fields: MessageFields, location: String) {
            self.filter = filter
            self.function = function
            self.fields = fields
            tables = MessageTables(showing: fields)
            self.location = location
        }
    }

    /// What a message handler gets as its data.
    package enum PayloadForm {
        /// What the JSON means; a string where it is not JSON.
        case decoded
        /// Decoded, with strings for the numbers that Lua cannot hold exactly (`json = "exact"`).
        case exact
        /// The bytes as a string, which nothing has looked at (`decode = false`).
        case bytes
    }

    package struct Task {
        package let function: LuaReference
        /// What it can see of its task.
        package let fields: TaskFields
    }

    /// A raw WebSocket endpoint.
    package struct RawEndpoint {
        package var onOpen: LuaReference?
        package var onMessage: LuaReference
        package var onClose: LuaReference?
    }

    package var tasks: [String: Task] = [:]
    package var messages: [Message] = []
    /// By event type; `*` for all.
    package var events: [String: [LuaReference]] = [:]
    package var websocket: [String: LuaReference] = [:]
    package var raw: [String: RawEndpoint] = [:]
    package var timers: [ScriptTimer] = []
    package var start: [LuaReference] = []
    package var stop: [LuaReference] = []
    package var upgrade: LuaReference?
    /// Parameter models of endpoints, by task type.
    package var parameterModels: [String: LuaReference] = [:]

    /// Handlers that an agent may register, of all kinds together. Each of them is looked at now and then.
    private static let most = 10_000
    private var registered = 0

    /// One handler more is registered.
    mutating func count() throws(LuaFailure) {
        guard registered < Self.most else {
            throw LuaFailure("an agent registers at most \(Self.most) handlers, and this one has registered them")
        }
        registered += 1
    }

    /// The handlers of a topic, in order of registration: where there are filters every one that matches, else the one that
    /// names the topic, or the first that matches.
    package func messages(topic: String, on transport: TransportTraits) -> [Message] {
        let matching = messages.filter { handler in
            (handler.source == nil || handler.source == transport.name) && handler.filter.matches(topic)
        }
        guard !transport.hasFilters else { return matching }
        return (matching.first { $0.filter.topic == topic } ?? matching.first).map { [$0] } ?? []
    }
}
