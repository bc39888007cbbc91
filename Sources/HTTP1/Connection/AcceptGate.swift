import Logging
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Accepts no connection while there are as many as there may be, or no file descriptor for another: clients wait in the
/// listening socket's queue. The first handler of a listening channel; confined to its loop.
///
/// The channel is taken out of the loop's interest meanwhile. NIO's own `AcceptBackoffHandler` leaves it in after an
/// error, so a socket with connections that cannot be accepted would wake the loop again and again.
final class AcceptGate: ChannelInboundHandler {
    typealias InboundIn = any Channel

    /// How many connections are accepted at one go, which is how many too many each worker may accept beside others.
    static let maxAtOnce = 16

    private let limit: ConnectionLimit
    private let logger: Logger
    private var context: ChannelHandlerContext?
    private var isPaused = false

    init(limit: ConnectionLimit, logger: Logger) {
        self.limit = limit
        self.logger = logger
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        take(limit.room)
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelReadComplete(context: ChannelHandlerContext) {
        let room = limit.room
        if room <= 0 {
            pause("\(limit.maximum) connections are open (MAX_CONNECTIONS)")
        } else {
            take(room)
        }
        context.fireChannelReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else {
            return context.fireErrorCaught(error)
        }
        pause(String(cString: strerror(error.errnoCode)))
    }

    private func take(_ room: Int) {
        _ = context?.channel.setOption(.maxMessagesPerRead, value: UInt(max(1, min(room, Self.maxAtOnce))))
    }

    private func pause(_ reason: String) {
        guard !isPaused else { return }
        isPaused = true
        _ = context?.channel.setOption(.autoRead, value: false)
        guard limit.mayWarn() else { return }
        logger.warning(
            "no connections are accepted until others close; those that come now wait",
            metadata: ["reason": "\(reason)"])
    }

    /// Accepts again if there is room; called when a connection has closed, and once in a while.
    func resume() {
        guard isPaused, limit.room > 0 else { return }
        isPaused = false
        take(limit.room)
        _ = context?.channel.setOption(.autoRead, value: true)
    }
}
