import Synchronization

/// Bounds what lives between the socket and the end of the handlers, over all connections: QoS 0 has no window at the
/// broker that would do it.
final class IntakeBudget: Sendable {
    static let messageLimit = 1_024
    static let byteLimit = 16 << 20

    private let messages = Atomic(0)
    private let bytes = Atomic(0)
    private let isWaiting = Atomic(false)
    private let wake: WakePipe

    init(wake: WakePipe) {
        self.wake = wake
    }

    private var hasRoom: Bool {
        messages.load(ordering: .relaxed) < Self.messageLimit && bytes.load(ordering: .relaxed) < Self.byteLimit
    }

    /// Asked by the connection's thread. After a false, the thread is woken as soon as there is room.
    func mayRead() -> Bool {
        if hasRoom { return true }
        isWaiting.store(true, ordering: .sequentiallyConsistent)
        return hasRoom
    }

    func take(bytes count: Int) {
        messages.add(1, ordering: .relaxed)
        bytes.add(count, ordering: .relaxed)
    }

    func release(bytes count: Int) {
        messages.subtract(1, ordering: .sequentiallyConsistent)
        bytes.subtract(count, ordering: .sequentiallyConsistent)
        if isWaiting.load(ordering: .sequentiallyConsistent), hasRoom,
            isWaiting.exchange(false, ordering: .sequentiallyConsistent)
        {
            wake.signal()
        }
    }
}
