/// Why a message that was handed to a broker's client was not taken by the broker.
public struct DeliveryFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// For people: the broker, what it refused and why. Never a payload.
    public let description: String

    /// True: the broker will not take the message, however often it is sent: too large for it, not allowed, no such topic.
    package let isPermanent: Bool
    /// True: so much waits for the broker already that nothing was queued.
    package let isOverload: Bool

    package init(_ description: String, isPermanent: Bool = false, isOverload: Bool = false) {
        self.description = description
        self.isPermanent = isPermanent
        self.isOverload = isOverload
    }
}

/// What becomes of a message that has failed for good: `on_error` of its handler.
package enum OnError: String, CaseIterable, Sendable {
    /// It goes to the topic of dead letters.
    case dlq
    /// It is forgotten.
    case skip
    /// Its lane stands still until a reload.
    case stop
}

/// Told, once and on the worker's loop, what became of an outbound message. Subclassed by whoever waits for it.
open class DeliveryReceipt {
    public init() {}

    /// `nil`: the broker acknowledged the message.
    open func settle(_ failure: DeliveryFailure?) {}
}

/// Where the records of one worker leave for a transport's broker; on the worker's loop.
package protocol Outlet: AnyObject {
    /// Queues the record and returns at once; the receipt is settled when the broker answered.
    ///
    /// Returns a failure, and never settles the receipt, when the record cannot even be queued: a topic name that the
    /// transport does not allow, a queue that is full, a value over the size limit.
    func send(_ record: borrowing RecordView, receipt: DeliveryReceipt?) -> DeliveryFailure?
}

extension Outlet {
    package func send(_ record: Record, receipt: DeliveryReceipt?) -> DeliveryFailure? {
        record.withView { send($0, receipt: receipt) }
    }
}
