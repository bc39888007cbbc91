package import Logging
package import NIOCore

/// What the connections of one loop have in common. Confined to the loop.
package final class ConnectionFloor {
    /// Largest buffer that is kept for its next use.
    private static let maxSpareBytes = 64 << 10

    package let eventLoop: any EventLoop
    /// The limits of each connection.
    package let settings: HTTPSettings
    package let logger: Logger
    /// The end of the loop's turn, for all connections.
    package let turnEnd: TurnEnd
    /// How often timeouts are looked at.
    package let sweepInterval: TimeAmount
    let budget: ConnectionBudget
    let files: FileThreads
    /// The time that timeouts are measured by: it goes on with the sweeps, so that it costs no look at the clock, and no
    /// client is held responsible for a pause of the host.
    package private(set) var clock = NIODeadline.now()
    /// From now on a client is told that its connection ends.
    package var isStopping = false
    var heads = ResponseHeads()
    private var spareOutput = ByteBuffer()
    private var spareMessage = ByteBuffer()

    init(
        eventLoop: any EventLoop, settings: HTTPSettings, budget: ConnectionBudget, sweepInterval: TimeAmount,
        logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.settings = settings
        self.budget = budget
        self.sweepInterval = sweepInterval
        self.logger = logger
        files = FileThreads(eventLoop: eventLoop, isOnLoop: settings.hasVirtualClock)
        turnEnd = TurnEnd(eventLoop: eventLoop, mayWait: !settings.hasVirtualClock)
    }

    func sweep() { clock = clock + sweepInterval }

    /// When something that may take so long is late. The clock is of the last sweep, so it is nearly a sweep later, and
    /// never earlier.
    package func deadline(in time: TimeAmount) -> NIODeadline { clock + time + sweepInterval }

    // MARK: Buffers used again and again

    func takeOutput() -> ByteBuffer { Self.take(&spareOutput) }

    func returnOutput(_ buffer: inout ByteBuffer) { Self.putBack(&buffer, &spareOutput) }

    /// An empty buffer for a message, with room from the one before.
    package func takeMessageBuffer() -> ByteBuffer { Self.take(&spareMessage) }

    /// Keeps a buffer, unless it has grown large, and leaves an empty one.
    package func returnMessageBuffer(_ buffer: inout ByteBuffer) { Self.putBack(&buffer, &spareMessage) }

    private static func take(_ spare: inout ByteBuffer) -> ByteBuffer {
        var buffer = ByteBuffer()
        swap(&buffer, &spare)
        buffer.clear()
        return buffer
    }

    private static func putBack(_ buffer: inout ByteBuffer, _ spare: inout ByteBuffer) {
        if buffer.storageCapacity <= maxSpareBytes { swap(&buffer, &spare) }
        buffer = ByteBuffer()
    }
}
