package import AgentModel
import AgentScript

/// The topics, or filters, that agents want, by transport.
package struct Subscriptions: Sendable, Equatable {
    private var topics: [TransportName: SubscribedTopics] = [:]
    /// SubscribedTopics of handlers without a `source` that more than one transport accepts.
    private var either: Set<String> = []
    /// Scripts send there, or may: they name `send_…`, or topics that they write are configured.
    private var sentTo: Set<TransportName> = []

    package init() {}

    package subscript(_ transport: TransportName) -> SubscribedTopics { topics[transport] ?? SubscribedTopics() }

    package func isSent(to transport: TransportName) -> Bool { sentTo.contains(transport) }

    /// Whether agents need the transport; another one that is there is enough for handlers without a `source`.
    package func needs(_ transport: TransportName, besideAnother: Bool) -> Bool {
        isSent(to: transport) || !self[transport].all.subtracting(besideAnother ? either : []).isEmpty
    }

    /// Without the transport, the topics that get no messages, and those that another one serves, if there is one.
    package func without(
        _ transport: TransportName, butAnother hasAnother: Bool
    ) -> (silent: [String], elsewhere: [String]) {
        let served = hasAnother ? either : []
        return (self[transport].all.subtracting(served).sorted(), self[transport].all.intersection(served).sorted())
    }

    package var all: Set<String> { topics.values.reduce(into: []) { $0.formUnion($1.all) } }

    init(
        _ handlers: HandlerTable, _ settings: AgentSettings, _ snapshot: ScriptSnapshot,
        _ transports: [TransportTraits]
    ) {
        for transport in transports {
            let name = transport.name
            let written = transport.producedTopics.flatMap { settings.values[$0]?.arrayValue }
            if snapshot.mentions("send_\(name)") || written?.isEmpty == false { sentTo.insert(name) }
            for handler in handlers.messages where handler.sources.contains(name) {
                if handler.deliversToEvery, !transport.hasFilters {
                    topics[name, default: SubscribedTopics()].every.insert(handler.filter.text)
                } else {
                    topics[name, default: SubscribedTopics()].shared.insert(handler.filter.text)
                }
                if handler.source == nil, handler.sources.count > 1 { either.insert(handler.filter.text) }
            }
            var all = self[name]
            all.shared.formUnion(settings.topics[name] ?? [])
            all.shared.subtract(all.every)
            topics[name] = all
        }
    }

    package mutating func formUnion(_ other: Subscriptions) {
        for (name, more) in other.topics {
            topics[name, default: SubscribedTopics()].shared.formUnion(more.shared)
            topics[name, default: SubscribedTopics()].every.formUnion(more.every)
        }
        either.formUnion(other.either)
        sentTo.formUnion(other.sentTo)
    }
}
