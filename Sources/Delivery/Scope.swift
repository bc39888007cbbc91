package import AgentModel

/// The delivery barrier, as a count: what belongs to one cause (a message, a task, a timer) and has not ended. It opens
/// with the first that begins, and closes, once, when all has ended and is delivered, or failed.
package struct Scope: Hashable {
    package enum Part: Sendable {
        case handler
        /// A spawned function: the scope waits for it, the next handler need not.
        case spawned
        /// On its way to a broker.
        case effect
    }

    private var handlers: Int32 = 0
    private var spawned: Int32 = 0
    private var effects: Int32 = 0
    private var isOpen = false
    /// The first that there was.
    package private(set) var failure: DeliveryFailure?
    /// What the next `agent:flush` has to tell; a later one tells only of what failed after it.
    private var unreported: DeliveryFailure?

    package init() {}

    package var hasHandlers: Bool { handlers > 0 }
    package var hasEffects: Bool { effects > 0 }

    package mutating func begin(_ part: Part) {
        isOpen = true
        add(1, to: part)
    }

    package mutating func end(_ part: Part) {
        add(-1, to: part)
        assert(handlers >= 0 && spawned >= 0 && effects >= 0, "it ended twice")
    }

    private mutating func add(_ number: Int32, to part: Part) {
        switch part {
        case .handler: handlers += number
        case .spawned: spawned += number
        case .effect: effects += number
        }
    }

    package mutating func fail(_ failure: DeliveryFailure) {
        if self.failure == nil { self.failure = failure }
        if unreported == nil { unreported = failure }
    }

    /// Before a message is tried again.
    package mutating func forgetFailure() {
        failure = nil
        unreported = nil
    }

    package mutating func takeUnreported() -> DeliveryFailure? {
        defer { unreported = nil }
        return unreported
    }

    /// Closes the scope if all has ended. False: something has not, or it was closed before.
    package mutating func close() -> Bool {
        guard isOpen, handlers == 0, spawned == 0, effects == 0 else { return false }
        isOpen = false
        return true
    }
}
