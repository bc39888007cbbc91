import NIOCore

/// What takes part in the end of a turn: a connection. On its loop.
protocol TurnParticipant: AnyObject {
    /// Sends what it was given in the turn.
    func flush()
    /// Looks at what it has read.
    func wake()
}

/// What connections put off to the end of the loop's turn: to send, in one piece, what they were given in the turn, and to
/// look at what they have read. Confined to the loop.
///
/// Where many connections are to be sent something while much comes, the end waits a little: what comes meanwhile goes out
/// with it, in the same system calls. A message that comes alone never waits.
package final class TurnEnd {
    /// With more connections to flush than this, the end may wait.
    private static let many = 50
    /// For how long; and how soon after the end before.
    private static let wait = TimeAmount.microseconds(150)
    private static let busy = TimeAmount.milliseconds(1)

    private let eventLoop: any EventLoop
    /// For a loop whose clock only a test moves, nothing waits.
    private let mayWait: Bool
    private var dirty: [any TurnParticipant] = []
    private var woken: [any TurnParticipant] = []
    private var isScheduled = false
    private var isWaiting = false
    private var lastFlush = NIODeadline.uptimeNanoseconds(0)
    /// What connections are to be sent in this turn.
    package var frames = TurnFrames()

    init(eventLoop: any EventLoop, mayWait: Bool) {
        self.eventLoop = eventLoop
        self.mayWait = mayWait
    }

    /// `flush` of the connection is called once; to be called once in a turn.
    func flushLater(_ connection: any TurnParticipant) {
        dirty.append(connection)
        if !isWaiting { schedule() }
    }

    /// `wake` of the connection is called once; to be called once in a turn.
    func wakeLater(_ connection: any TurnParticipant) {
        woken.append(connection)
        schedule()
    }

    private func schedule() {
        guard !isScheduled else { return }
        isScheduled = true
        eventLoop.assumeIsolated().execute { [self] in
            isScheduled = false
            end()
        }
    }

    private func end() {
        let waking = woken
        woken.removeAll(keepingCapacity: true)
        for connection in waking { connection.wake() }
        guard !isWaiting, !dirty.isEmpty else { return }
        if mayWait, dirty.count > Self.many, NIODeadline.now() - lastFlush < Self.busy {
            isWaiting = true
            eventLoop.assumeIsolated().scheduleTask(in: Self.wait) { [self] in
                isWaiting = false
                flush()
            }
        } else {
            flush()
        }
    }

    private func flush() {
        let flushing = dirty
        dirty.removeAll(keepingCapacity: true)
        for connection in flushing { connection.flush() }
        // Not what was added meanwhile.
        if dirty.isEmpty { frames.clear() }
        if flushing.count > Self.many { lastFlush = .now() }
    }
}
