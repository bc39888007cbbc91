import NIOCore
import NIOPosix

/// Where files are opened and read: a disk may take its time, and the loop has none. Confined to the loop.
struct FileThreads {
    let eventLoop: any EventLoop
    /// On a loop that only a test moves, what other threads do would come at no time of its own.
    let isOnLoop: Bool

    /// Runs a piece of work, and then calls back on the loop, never before this has returned.
    func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value, then: @escaping (Value) -> Void) {
        if isOnLoop {
            let value = work()
            eventLoop.assumeIsolated().execute { then(value) }
        } else {
            NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop, work).assumeIsolated().whenSuccess(then)
        }
    }
}
