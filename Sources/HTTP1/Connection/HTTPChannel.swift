import AgentModel
import Logging
import NIOCore

/// What a channel tells its connection.
protocol ChannelUser: AnyObject {
    /// The channel is there.
    func opened()
    /// Something has come, or could be sent again: there may be something to do.
    func process()
    /// Whether what comes is of use; else it is dropped.
    var wantsInput: Bool { get }
    /// Whether there is enough to do, or a peer that does not read, so that reading may wait.
    var maySkipReading: Bool { get }
    /// The client has said all that it had to say.
    func inputClosed()
    /// A turn of the loop has passed, or the client takes more again.
    func woken()
    /// The channel is gone.
    func disconnected()
}

/// The bytes of one connection, in and out. The only handler of its channel; confined to the channel's loop.
final class HTTPChannel: ChannelDuplexHandler, TurnParticipant {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What has been read and not looked at.
    var input = ByteBuffer()
    let output: ConnectionOutput
    private(set) var isInputClosed = false
    /// Whether what waits to be sent is below the limit for one client.
    private(set) var isWritable = true
    /// Bytes sent in frames and in pieces of files.
    private(set) var sentBytes = 0
    private let floor: ConnectionFloor
    /// nil once the channel is gone.
    private var user: (any ChannelUser)?
    private var context: ChannelHandlerContext?
    private var isReadPending = false
    /// To be flushed at the end of the loop's turn.
    private var isDirty = false
    /// To be woken then.
    private var isWoken = false

    init(_ floor: ConnectionFloor) {
        self.floor = floor
        output = ConnectionOutput(floor)
    }

    /// From now on `user` is told what comes.
    func use(by user: any ChannelUser) { self.user = user }

    var channel: (any Channel)? { context?.channel }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        output.open(context)
        user?.opened()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let user, user.wantsInput else { return }
        var bytes = unwrapInboundIn(data)
        if input.readableBytes == 0 {
            input = bytes
        } else {
            input.writeBuffer(&bytes)
        }
        user.process()
    }

    /// There is no handler behind this one that would want to know.
    func channelReadComplete(context: ChannelHandlerContext) {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed? = event as? ChannelEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        isInputClosed = true
        user?.inputClosed()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        // Not at once: this may come from within a flush that a script's handler caused.
        if isWritable { wakeLater() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        disconnected()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        disconnected()
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        floor.logger.debug("connection failed", metadata: ["error": "\(ErrorText.of(error))"])
        context.close(promise: nil)
    }

    /// Reading waits while there is enough to do, and while the peer does not read.
    func read(context: ChannelHandlerContext) {
        if user?.maySkipReading == true { isReadPending = true } else { context.read() }
    }

    private func disconnected() {
        output.close()
        input = ByteBuffer()
        let user = user
        self.user = nil
        user?.disconnected()
    }

    // MARK: Reading

    /// Whether there is something to read or to look at.
    var hasMore: Bool { input.readableBytes > 0 || isReadPending }

    /// Everything was done that can be.
    func settle() {
        output.flush()
        // The loop's buffer for reading is used again when nobody holds a part of it.
        if input.readableBytes == 0 { input = ByteBuffer() }
        if isReadPending, user?.maySkipReading != true {
            isReadPending = false
            context?.read()
        }
    }

    func wakeLater() {
        guard !isWoken else { return }
        isWoken = true
        floor.turnEnd.wakeLater(self)
    }

    func wake() {
        isWoken = false
        user?.woken()
    }

    // MARK: Sending

    /// Sends a frame, with what else is sent in the loop's turn.
    func send(_ frame: borrowing Frame) {
        guard output.isOpen else { return }
        sentBytes += frame.bytes.readableBytes
        output.send(frame)
        guard !isDirty else { return }
        isDirty = true
        floor.turnEnd.flushLater(self)
    }

    /// The end of the loop's turn.
    func flush() {
        isDirty = false
        output.sendFrames()
    }

    /// Sends bytes now; `then` is told whether the client's system has taken all of them.
    func send(_ bytes: ByteBuffer, then: @escaping (Bool) -> Void) {
        let written = floor.eventLoop.makePromise(of: Void.self)
        output.send(bytes, written)
        let count = bytes.readableBytes
        written.futureResult.assumeIsolated().whenComplete { [self] result in
            guard case .success = result else { return then(false) }
            sentBytes += count
            then(true)
        }
    }

    /// Counts from here what is sent.
    func beginCounting() { sentBytes = 0 }

    /// Whether the client's queue has room, after another attempt to empty it.
    func takesMore() -> Bool {
        if !isWritable { output.retry() }
        return isWritable && output.isOpen
    }

    // MARK: Closing

    /// Ends the own side once everything is written, and the connection when the peer has ended its side; at once when
    /// there is nothing more that the peer could send. `then` is called when everything is written.
    func end(lingers: Bool, then: @escaping () -> Void) {
        guard let context, output.isOpen else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        output.flush(written)
        written.futureResult.assumeIsolated().whenComplete { [self] _ in
            then()
            context.close(mode: isInputClosed || !lingers ? .all : .output, promise: nil)
        }
    }

    /// Closes at once.
    func close() { context?.close(promise: nil) }
}
