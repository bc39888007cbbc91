import AgentModel
import Delivery

/// What a worker has found for the messages of an origin and one of its agents. It is kept at the origin, so that nothing
/// is looked for by a topic's name for each message.
final class MessagePlace {
    let lane: Lane<any LaneWork>
    let slot: AgentSlot
    let desk: MessageDesk
    /// Has this object, and so lives at least as long.
    private unowned let origin: MessageOrigin
    private var known: MessageRoute?
    /// That of another agent.
    private var next: MessagePlace?

    private init(_ origin: MessageOrigin, _ slot: AgentSlot, _ desk: MessageDesk) {
        self.origin = origin
        self.slot = slot
        self.desk = desk
        lane = desk.lanes.lane(Self.key(origin, slot))
    }

    static func of(_ origin: MessageOrigin, for slot: AgentSlot, at desk: MessageDesk) -> MessagePlace {
        let first = origin.found as? MessagePlace
        var place = first
        while let known = place {
            if known.slot === slot { return known }
            place = known.next
        }
        let new = MessagePlace(origin, slot, desk)
        new.next = first
        origin.found = new
        return new
    }

    private static func key(_ origin: MessageOrigin, _ slot: AgentSlot, filter: String? = nil) -> LaneKey {
        LaneKey(
            agent: slot.index, name: origin.topic, partition: origin.partition, source: origin.transport.name,
            filter: filter)
    }

    /// The lane of one of several handlers.
    func lane(filter: String) -> Lane<any LaneWork> { desk.lanes.lane(Self.key(origin, slot, filter: filter)) }

    /// What the version in service does with the messages; nil while none is.
    var route: MessageRoute? {
        if let known, known.live === slot.live { return known }
        known = slot.makeRoute(origin)
        return known
    }
}
