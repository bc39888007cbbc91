import Synchronization

/// What the loops tell the connection's thread about the messages of one connection.
final class MQTTSessionState: Sendable {
    private let settled = Atomic(0)
    private let ended = Atomic(false)
    private let wake: WakePipe

    init(wake: WakePipe) {
        self.wake = wake
    }

    /// Messages of QoS 1 and 2 settled since the connection began.
    var settledTotal: Int { settled.load(ordering: .acquiring) }

    func settle(_ count: Int) {
        settled.add(count, ordering: .releasing)
        wake.signal()
    }

    /// True once the connection is gone: acknowledging has no effect any more, and the broker delivers again.
    var isEnded: Bool { ended.load(ordering: .acquiring) }

    func end() {
        ended.store(true, ordering: .releasing)
    }
}
