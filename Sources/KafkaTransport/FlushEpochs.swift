internal import NIOCore

/// Which records a flush waits for. An epoch's records are those sent between two flushes.
struct FlushEpochs {
    /// Rises with each flush.
    private(set) var current = 0
    /// Unsettled records of the current epoch.
    private var unsettled = 0
    /// Flushes under way, oldest first, each with the unsettled records of its epoch.
    private var flushes: [(epoch: Int, unsettled: Int, promise: EventLoopPromise<Void>)] = []

    /// A record of the current epoch was taken.
    mutating func sent() {
        unsettled += 1
    }

    /// A record of `epoch` was settled, which `completed` must hear of.
    mutating func settled(_ epoch: Int) {
        if epoch == current {
            unsettled -= 1
        } else if let index = flushes.firstIndex(where: { $0.epoch == epoch }) {
            flushes[index].unsettled -= 1
        }
    }

    /// The next flush that waits for nothing more, taken out.
    mutating func completed() -> EventLoopPromise<Void>? {
        guard let first = flushes.first, first.unsettled == 0 else { return nil }
        return flushes.removeFirst().promise
    }

    /// Ends the current epoch; completes when every record sent before has been settled.
    mutating func flush(on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
        guard unsettled > 0 || !flushes.isEmpty else { return eventLoop.makeSucceededVoidFuture() }
        let promise = eventLoop.makePromise(of: Void.self)
        flushes.append((current, unsettled, promise))
        current += 1
        unsettled = 0
        return promise.futureResult
    }
}
