import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// `send(2)`, which the methods here hide.
private let systemSend = send

/// The way out of a connection: into the socket with a call of its own, and through the channel's queue only for what the
/// socket does not take at once.
///
/// The channel's way, a queued write and a flush through the pipeline, costs several times what `send(2)` does. Order holds
/// because nothing goes straight to the socket while the queue has something. An error of the socket is left to the
/// channel, which meets it too. Confined to the channel's loop.
final class SocketOutput {
    private let context: ChannelHandlerContext
    /// nil: everything goes through the channel, since it has no socket, or is closed.
    private var descriptor: NIOBSDSocket.Handle?
    /// Writes that the channel has not finished.
    private var queued = 0

    init(_ context: ChannelHandlerContext) {
        self.context = context
        descriptor = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
            $0
        }
    }

    /// The socket has taken everything.
    var isEmpty: Bool { queued == 0 }

    /// The channel is closed: its descriptor may be another's from now on.
    func close() { descriptor = nil }

    /// Sends the bytes after all that was sent before.
    func send(_ bytes: ByteBuffer) {
        guard queued == 0, let descriptor else { return queue(bytes, nil) }
        let sent = bytes.withUnsafeReadableBytes { Self.send($0, to: descriptor) }
        guard sent < bytes.readableBytes else { return }
        var rest = bytes
        rest.moveReaderIndex(forwardBy: sent)
        queue(rest, nil)
    }

    /// As `send`; the promise is kept when the socket has taken all bytes.
    func send(_ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>) { queue(bytes, promise) }

    /// Another attempt to empty the channel's queue.
    func flush() { if queued > 0 { context.flush() } }

    private func queue(_ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
        queued += 1
        let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [self] _ in queued -= 1 }
        context.writeAndFlush(NIOAny(bytes), promise: promise)
    }

    /// How many of the bytes the socket took.
    private static func send(_ bytes: UnsafeRawBufferPointer, to descriptor: NIOBSDSocket.Handle) -> Int {
        let flags = CInt(MSG_NOSIGNAL | MSG_DONTWAIT)
        return max(0, systemSend(descriptor, bytes.baseAddress, bytes.count, flags))
    }
}
