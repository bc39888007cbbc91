import NIOCore

/// What is to be published: waiting, or sent and not yet acknowledged.
///
/// Everything unacknowledged when a connection ends is sent again on the next, in its order. So QoS 2 is exactly once
/// within a connection, and at least once across two.
struct PublishWindow<Publication> {
    struct Entry {
        let publication: Publication
        let qos: Int
        fileprivate var sequence: UInt64 = 0
        fileprivate var losses = 0
    }

    /// Unacknowledged at once. Brokers bound it in the hundreds.
    static var limit: Int { 200 }
    /// mosquitto takes 20 unfinished QoS 2 publications of a client before it gives up on it.
    static var exactlyOnceLimit: Int { 20 }
    /// libmosquitto counts message ids from 1 to 65,535 and around, whether they are in use or not.
    private static var identifierDistance: UInt64 { 60_000 }
    /// A publication that was first in line at so many losses of the connection is taken for their cause: brokers close
    /// the connection on a message that is too large for them or not allowed.
    private static var lossLimit: Int { 8 }

    private var waiting = CircularBuffer<Entry>()
    private var sent: [Int32: Entry] = [:]
    private var sentExactlyOnce = 0
    /// In the order of sending; entries that are settled are dropped when they come to the front.
    private var order = CircularBuffer<(sequence: UInt64, messageID: Int32)>()
    private var nextSequence: UInt64 = 0

    var isEmpty: Bool { waiting.isEmpty && sent.isEmpty }

    /// True when `next` has something.
    var isOpen: Bool {
        guard let first = waiting.first, sent.count < Self.limit else { return false }
        if first.qos == 2, sentExactlyOnce >= Self.exactlyOnceLimit { return false }
        if let oldest = order.first, nextSequence - oldest.sequence >= Self.identifierDistance { return false }
        return true
    }

    mutating func append(_ publication: Publication, qos: Int) {
        waiting.append(Entry(publication: publication, qos: qos))
    }

    /// The next one to send; it must be followed by `didSend` or `didRefuse`.
    var next: Publication? { isOpen ? waiting.first?.publication : nil }

    mutating func didSend(messageID: Int32) {
        var entry = waiting.removeFirst()
        entry.sequence = nextSequence
        nextSequence += 1
        if entry.qos == 2 { sentExactlyOnce += 1 }
        order.append((entry.sequence, messageID))
        sent[messageID] = entry
    }

    mutating func didRefuse() -> Publication {
        waiting.removeFirst().publication
    }

    mutating func settle(messageID: Int32) -> Publication? {
        guard let entry = sent.removeValue(forKey: messageID) else { return nil }
        if entry.qos == 2 { sentExactlyOnce -= 1 }
        while let oldest = order.first, sent[oldest.messageID]?.sequence != oldest.sequence {
            order.removeFirst()
        }
        return entry.publication
    }

    /// Everything sent waits again, before what has not been sent. Returns the one that is given up, if any.
    mutating func connectionLost() -> Publication? {
        var again = sent.values.sorted { $0.sequence < $1.sequence }
        sent = [:]
        order.removeAll()
        sentExactlyOnce = 0
        var givenUp: Publication?
        if !again.isEmpty {
            again[0].losses += 1
            if again[0].losses >= Self.lossLimit { givenUp = again.removeFirst().publication }
        }
        for entry in again.reversed() { waiting.prepend(entry) }
        return givenUp
    }

    mutating func removeAll() -> [Publication] {
        defer {
            waiting.removeAll()
            sent = [:]
            order.removeAll()
            sentExactlyOnce = 0
        }
        return (sent.values.sorted { $0.sequence < $1.sequence } + waiting).map(\.publication)
    }
}
