package import NIOCore

/// A worker, as transports know it: its loop, and who takes messages there.
package struct WorkerSeat: Sendable {
    /// From 0.
    package let index: Int
    package let eventLoop: any EventLoop
    package let receiver: NIOLoopBound<any MessageReceiver>

    /// - Parameter receiver: bound to `eventLoop`, on which every message is handed over.
    package init(index: Int = 0, eventLoop: any EventLoop, receiver: NIOLoopBound<any MessageReceiver>) {
        self.index = index
        self.eventLoop = eventLoop
        self.receiver = receiver
    }
}
