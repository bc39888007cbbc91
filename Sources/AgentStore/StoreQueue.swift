import AgentModel
import NIOCore
import NIOPosix
import Synchronization

/// The requests to one store, from all workers, and the thread that performs them: those that come while the disk is busy
/// are written together next.
final class StoreQueue: Sendable {
    private struct Entry {
        var request: StoreRequest
        var promise: EventLoopPromise<Result<StoreAnswer, DeliveryFailure>>
    }

    private struct State {
        var waiting: [Entry] = []
        /// Bytes that wait.
        var size = 0
        var isRunning = false
        var isClosed = false
    }

    /// Requests that are written together.
    private static let mostTogether = 512
    private static let largestTogether = 8 << 20
    /// Bytes that may wait for the disk: beyond these it is too slow for what scripts want.
    private static let mostWaiting = 64 << 20

    private let state = Mutex(State())
    private let thread = NIOThreadPool(numberOfThreads: 1)
    /// Used by one run of `performAll` after another only, and by `close` behind the last.
    nonisolated(unsafe) private let file: StoreFile

    init(_ file: sending StoreFile) {
        self.file = file
        thread.start()
    }

    func perform(
        _ request: StoreRequest, on loop: any EventLoop,
        completion: @escaping (Result<StoreAnswer, DeliveryFailure>) -> Void
    ) {
        let promise = loop.makePromise(of: Result<StoreAnswer, DeliveryFailure>.self)
        promise.futureResult.assumeIsolated().whenSuccess(completion)
        let (refusal, begins) = state.withLock { state -> (String?, Bool) in
            if state.isClosed { return ("the host is stopping", false) }
            let size = state.size + request.size
            if size > Self.mostWaiting, state.size > 0 {
                return ("the disk is too slow: \(state.size >> 20) MiB wait to be written", false)
            }
            state.size = size
            state.waiting.append(Entry(request: request, promise: promise))
            defer { state.isRunning = true }
            return (nil, !state.isRunning)
        }
        if let refusal {
            // Not before this returns.
            return loop.assumeIsolated().execute { promise.succeed(.failure(DeliveryFailure(refusal))) }
        }
        // Also when the pool is ending: what was taken is done.
        if begins { thread.submit { _ in self.performAll() } }
    }

    private func performAll() {
        while let entries = next() {
            let results = file.perform(entries.map(\.request))
            for (entry, result) in zip(entries, results) { entry.promise.succeed(result) }
        }
    }

    /// What is written together next; nil when nothing waits.
    private func next() -> [Entry]? {
        state.withLock { state in
            var size = 0
            let count = state.waiting.prefix(Self.mostTogether).prefix { entry in
                defer { size += entry.request.size }
                return size < Self.largestTogether
            }.count
            guard count > 0 else {
                state.isRunning = false
                return nil
            }
            let entries = Array(state.waiting.prefix(count))
            state.waiting.removeFirst(count)
            state.size -= entries.reduce(0) { $0 + $1.request.size }
            return entries
        }
    }

    /// Takes nothing more, and completes when all that was taken is done and the file is closed.
    func close() async {
        state.withLock { $0.isClosed = true }
        try? await thread.shutdownGracefully()
        file.close()
    }
}
