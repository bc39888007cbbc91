package import AgentModel
package import NIOCore

/// Keeps the dead letters that their broker will never take: too large for it, not allowed, no topic to write to.
package protocol DeadLetterSpool: AnyObject, Sendable {
    /// Calls back on the loop: nil once the letter would survive the end of the machine, else why it is not kept.
    func keep(_ letter: KeptLetter, on loop: any EventLoop, completion: @escaping (DeliveryFailure?) -> Void)
}

/// Where nothing can be kept: the message stays unacknowledged.
package final class NoSpool: DeadLetterSpool {
    package init() {}

    package func keep(
        _ letter: KeptLetter, on loop: any EventLoop, completion: @escaping (DeliveryFailure?) -> Void
    ) {
        completion(DeliveryFailure("there is no folder to keep it in: set STATE_PATH"))
    }
}
