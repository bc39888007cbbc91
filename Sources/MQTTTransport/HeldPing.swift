import NIOCore

/// Whether the broker is still there while messages are held.
///
/// The library's own keep-alive is of no use then: its PINGREQ would stand in the queue behind PUBACKs that must not be
/// written yet, and the broker would end a client that it hears nothing from for one and a half times the keep-alive
/// (MQTT 3.1.1 section 3.1.2.10). So pings pass the queue by, and whatever is read counts as an answer.
struct HeldPing {
    enum Action: Equatable {
        case nothing
        case ping
        /// Nothing was heard for too long.
        case giveUp
    }

    /// Between two pings: half of the keep-alive.
    private let interval: TimeAmount
    /// From a ping to the last moment at which it may be answered: the keep-alive.
    private let patience: TimeAmount
    private var nextPing: NIODeadline?
    private var unanswered: NIODeadline?

    init(keepAlive: TimeAmount) {
        interval = .nanoseconds(keepAlive.nanoseconds / 2)
        patience = keepAlive
    }

    /// When to ask again; nil: nothing is held.
    var deadline: NIODeadline? { nextPing }

    /// What is to be done now that messages are held.
    mutating func action(at now: NIODeadline) -> Action {
        guard let next = nextPing else {
            nextPing = now + interval
            return .nothing
        }
        if let unanswered, now - unanswered >= patience { return .giveUp }
        guard now >= next else { return .nothing }
        nextPing = now + interval
        return .ping
    }

    /// The ping was written.
    mutating func pinged(at now: NIODeadline) {
        if unanswered == nil { unanswered = now }
    }

    /// Something came in, or waits to be read.
    mutating func heard() {
        unanswered = nil
    }

    /// Nothing is held any more.
    mutating func released() {
        nextPing = nil
        unanswered = nil
    }
}
