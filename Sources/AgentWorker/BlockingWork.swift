package import NIOCore
import NIOPosix

/// Where work is done that waits for a disk.
package protocol BlockingWork: Sendable {
    /// Does it elsewhere, and calls back on the loop, never before this returns.
    func run<Value: Sendable>(
        on loop: any EventLoop, _ work: @escaping @Sendable () -> Value, completion: @escaping (Value) -> Void)
}

/// The threads of the process that there are for it.
package struct BlockingThreads: BlockingWork {
    package init() {}

    package func run<Value: Sendable>(
        on loop: any EventLoop, _ work: @escaping @Sendable () -> Value, completion: @escaping (Value) -> Void
    ) {
        let promise = loop.makePromise(of: Value.self)
        promise.futureResult.assumeIsolated().whenSuccess(completion)
        NIOThreadPool.singleton.submit { _ in promise.succeed(work()) }
    }
}

/// The thread of the loop itself: for a loop that only a test moves.
package struct BlockingInPlace: BlockingWork {
    package init() {}

    package func run<Value: Sendable>(
        on loop: any EventLoop, _ work: @escaping @Sendable () -> Value, completion: @escaping (Value) -> Void
    ) {
        let value = work()
        loop.assumeIsolated().execute { completion(value) }
    }
}
