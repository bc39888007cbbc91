/// The topics, or filters, that a transport is to subscribe to.
package struct SubscribedTopics: Sendable, Equatable {
    /// Those whose messages are shared among the hosts of a group, where the transport has such a thing.
    package var shared: Set<String> = []
    /// Those of which every host gets every message.
    package var every: Set<String> = []

    package init() {}

    package var all: Set<String> { shared.union(every) }
}
