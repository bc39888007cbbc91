import AgentModel

/// A topic that messages come from: what is the same for all of them.
final class MQTTSource {
    let origin: MessageOrigin
    /// The worker that they go to.
    let seat: WorkerSeat

    init(origin: MessageOrigin, seat: WorkerSeat) {
        self.origin = origin
        self.seat = seat
    }
}

/// The topics that agents asked for and that messages have come from. A topic's messages go to one loop, so that its origin
/// is met on no other. Confined to the connection's thread.
struct MQTTSources {
    /// Topics below a wildcard can be without number: beyond so many the table begins anew.
    private static let most = 10_000

    private var byTopic: [String: MQTTSource] = [:]
    /// The one that was asked for last: messages of a topic often come one after another.
    private var latest: MQTTSource?

    mutating func known(_ topic: UnsafePointer<CChar>) -> MQTTSource? {
        if let latest, latest.origin.topic.isSpelled(topic) { return latest }
        guard let known = byTopic[String(cString: topic)] else { return nil }
        latest = known
        return known
    }

    mutating func add(_ source: MQTTSource) {
        if byTopic.count >= Self.most { byTopic = [:] }
        byTopic[source.origin.topic] = source
        latest = source
    }
}

extension String {
    /// Whether it is, byte for byte, the text at the address, which ends with a zero.
    fileprivate func isSpelled(_ text: UnsafePointer<CChar>) -> Bool {
        var place = text
        for byte in utf8 {
            guard UInt8(bitPattern: place.pointee) == byte else { return false }
            place += 1
        }
        return place.pointee == 0
    }
}
