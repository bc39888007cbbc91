import AgentModel
import Logging
import NIOCore
import Synchronization

/// A connection to a broker that is made again whenever it ends, on a thread of its own, until it is stopped.
final class MQTTConnection: Sendable {
    private struct Lifecycle {
        var stopBy: NIODeadline?
        var isConnecting = false
        var isFinished = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    let settings: MQTTSettings
    let status: ConnectionStatus
    let logger: Logger
    let wake: WakePipe
    private let lifecycle = Mutex(Lifecycle())

    init(settings: MQTTSettings, status: ConnectionStatus, logger: Logger) throws(MQTTError) {
        try settings.check()
        self.settings = settings
        self.status = status
        self.logger = logger
        wake = try WakePipe()
    }

    /// - Parameters:
    ///   - name: the thread's, at most 15 bytes.
    ///   - makeRole: called on the thread.
    func start(
        name: String, _ makeRole: @escaping @Sendable (MQTTConnection) -> any MQTTConnectionRole
    ) throws(MQTTError) {
        try OwnThread.start(name) { [self] in
            MQTTConnectionRun(connection: self, role: makeRole(self)).run()
        }
    }

    /// Ends the connection with a DISCONNECT once its role is idle, or without one after `grace`.
    ///
    /// Returns when the thread has let go of the socket; at once while the thread is in a call that cannot be ended
    /// (name resolution, TCP connect), since there is nothing to save then.
    func stop(grace: TimeAmount) async {
        await withCheckedContinuation { continuation in
            let isOver = lifecycle.withLock { lifecycle in
                lifecycle.stopBy = min(lifecycle.stopBy ?? .distantFuture, .now() + grace)
                if lifecycle.isConnecting || lifecycle.isFinished { return true }
                lifecycle.waiters.append(continuation)
                return false
            }
            wake.signal()
            if isOver { continuation.resume() }
        }
    }

    /// When a stop that was asked for gives up waiting; nil: no stop was asked for.
    var stopBy: NIODeadline? { lifecycle.withLock { $0.stopBy } }

    /// Before a call that blocks. False: a stop was asked for, and somebody may be waiting for it.
    func beginConnecting() -> Bool {
        lifecycle.withLock { lifecycle in
            lifecycle.isConnecting = lifecycle.stopBy == nil
            return lifecycle.isConnecting
        }
    }

    func endConnecting() {
        lifecycle.withLock { $0.isConnecting = false }
    }

    func finish() {
        let waiters = lifecycle.withLock { lifecycle in
            lifecycle.isFinished = true
            defer { lifecycle.waiters = [] }
            return lifecycle.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
