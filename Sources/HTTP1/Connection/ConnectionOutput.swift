import NIOCore

/// What a connection sends: responses, gathered while requests are read, and frames, gathered in the loop's turn. Confined
/// to the loop.
final class ConnectionOutput {
    /// Responses to pipelined requests, and frames, are written out at least this often.
    private static let most = 64 << 10

    private let floor: ConnectionFloor
    /// nil before the channel is there, and once it is closed.
    private var socket: SocketOutput?
    /// Responses that are not written out yet.
    private var responses = ByteBuffer()
    /// What is to be sent at the turn's end.
    private var place = TurnFrames.nowhere

    init(_ floor: ConnectionFloor) { self.floor = floor }

    var isOpen: Bool { socket != nil }

    /// Whether the socket has taken all that was to be sent.
    var isEmpty: Bool { responses.readableBytes == 0 && place == TurnFrames.nowhere && socket?.isEmpty ?? true }

    func open(_ context: ChannelHandlerContext) { socket = SocketOutput(context) }

    func close() {
        socket?.close()
        socket = nil
        responses = ByteBuffer()
        place = TurnFrames.nowhere
    }

    // MARK: Responses

    /// Writes to the responses. `write` must not come back here.
    @inline(__always)
    func write<Result>(_ write: (inout ByteBuffer) -> Result) -> Result {
        // Into the loop's spare buffer.
        if responses.storageCapacity == 0 { responses = floor.takeOutput() }
        return write(&responses)
    }

    /// Sends the responses when there are many of them.
    func flushIfMany() {
        if responses.readableBytes > Self.most { flush() }
    }

    /// Sends the responses, and before them the frames.
    func flush() {
        guard responses.readableBytes > 0 else { return }
        sendFrames()
        socket?.send(responses)
        floor.returnOutput(&responses)
    }

    /// As `flush`; the promise is kept when the socket has taken everything.
    func flush(_ promise: EventLoopPromise<Void>) {
        sendFrames()
        guard let socket else { return promise.fail(ChannelError.ioOnClosedChannel) }
        socket.send(responses, promise)
        responses = ByteBuffer()
    }

    /// Sends bytes after everything else; the promise is kept when the socket has taken them.
    func send(_ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>) {
        guard let socket else { return promise.fail(ChannelError.ioOnClosedChannel) }
        socket.send(bytes, promise)
    }

    // MARK: Frames

    /// To be sent at the end of the loop's turn, with what else is.
    func send(_ frame: borrowing Frame) {
        if responses.readableBytes > 0 { flush() }
        if floor.turnEnd.frames.append(frame, after: &place) > Self.most { sendFrames() }
    }

    func sendFrames() {
        guard place != TurnFrames.nowhere else { return }
        let bytes = floor.turnEnd.frames.bytes(at: place)
        place = TurnFrames.nowhere
        socket?.send(bytes)
    }

    /// Another attempt to empty the channel's queue.
    func retry() { socket?.flush() }
}
