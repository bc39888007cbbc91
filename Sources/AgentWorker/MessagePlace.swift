import AgentModel
import Delivery

/// What a worker has found for the messages of an origin and one of its agents. It is kept at the origin, so that nothing
/// is looked for by a topic's name for each message.
final class MessagePlace {
    let lane: Lane<LaneWork>
    /// Has this object, and so lives at least as long.
    private unowned let origin: MessageOrigin
    private let slot: AgentSlot
    private var known: MessageRoute?

    private init(_ origin: MessageOrigin, _ slot: AgentSlot, _ lanes: Lanes) {
        self.origin = origin
        self.slot = slot
        lane = lanes.lane(Self.key(origin, slot))
    }

    static func of(_ origin: MessageOrigin, for slot: AgentSlot, in lanes: Lanes) -> MessagePlace {
        let places: MessagePlaces
        if let found = origin.found as? MessagePlaces {
            places = found
        } else {
            places = MessagePlaces()
            origin.found = places
        }
        return places.place(of: slot) { MessagePlace(origin, slot, lanes) }
    }

    static func key(_ origin: MessageOrigin, _ slot: AgentSlot, filter: String? = nil) -> LaneKey {
        LaneKey(
            agent: slot.index, name: origin.topic, partition: origin.partition, source: origin.transport.name,
            filter: filter)
    }

    /// What the version in service does with the messages; nil while none is.
    var route: MessageRoute? {
        if let known, known.live === slot.live { return known }
        known = slot.makeRoute(origin)
        return known
    }
}

/// Those of one origin.
private final class MessagePlaces {
    private var byAgent: [MessagePlace?] = []

    func place(of slot: AgentSlot, else make: () -> MessagePlace) -> MessagePlace {
        while byAgent.count <= slot.index { byAgent.append(nil) }
        if let place = byAgent[slot.index] { return place }
        let place = make()
        byAgent[slot.index] = place
        return place
    }
}
