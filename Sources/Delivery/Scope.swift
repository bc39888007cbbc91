package import AgentModel

/// The delivery barrier, as a count: what belongs to one cause (a message, a task, a timer) and has not ended. It opens
/// with the first that begins, and closes, once, when all has ended and is delivered, or failed.
///
/// Every handler and every effect of a message passes here: what it does is compiled into its callers.
package struct Scope: Hashable {
    package enum Part: Sendable {
        case handler
        /// A spawned function: the scope waits for it, the next handler need not.
        case spawned
        /// On its way to a broker.
        case effect
    }

    @usableFromInline var handlers: Int32 = 0
    @usableFromInline var spawned: Int32 = 0
    @usableFromInline var effects: Int32 = 0
    @usableFromInline var isOpen = false
    @usableFromInline package internal(set) var hasFailed = false
    /// The first that there was.
    @usableFromInline package internal(set) var failure: DeliveryFailure?
    /// What the next `agent:flush` has to tell; a later one tells only of what failed after it.
    @usableFromInline var unreported: DeliveryFailure?

    @inlinable package init() {}

    @inlinable package var hasEffects: Bool { effects > 0 }

    @inlinable package mutating func begin(_ part: Part) {
        isOpen = true
        add(1, to: part)
    }

    /// True: it was the last of its kind.
    @inlinable @discardableResult package mutating func end(_ part: Part) -> Bool {
        add(-1, to: part)
        assert(handlers >= 0 && spawned >= 0 && effects >= 0, "it ended twice")
        switch part {
        case .handler: return handlers == 0
        case .spawned: return spawned == 0
        case .effect: return effects == 0
        }
    }

    @inlinable mutating func add(_ number: Int32, to part: Part) {
        switch part {
        case .handler: handlers += number
        case .spawned: spawned += number
        case .effect: effects += number
        }
    }

    @inlinable package mutating func fail(_ failure: DeliveryFailure) {
        hasFailed = true
        if self.failure == nil { self.failure = failure }
        if unreported == nil { unreported = failure }
    }

    @inlinable package mutating func takeUnreported() -> DeliveryFailure? {
        defer { unreported = nil }
        return unreported
    }

    /// Closes the scope if all has ended. False: something has not, or it was closed before.
    @inlinable package mutating func close() -> Bool {
        guard isOpen, handlers == 0, spawned == 0, effects == 0 else { return false }
        isOpen = false
        return true
    }
}
