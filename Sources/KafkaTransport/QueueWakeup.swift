internal import CRdkafka
internal import NIOCore
internal import NIOPosix

/// Runs a closure on the event loop when a librdkafka queue that was empty has something.
///
/// librdkafka writes to an eventfd from its threads (`rd_kafka_queue_io_event_enable`); the loop reads it as a channel.
final class QueueWakeup {
    private let eventLoop: any EventLoop
    private let descriptor: CInt
    private let channel: EventLoopFuture<any Channel>
    private var queues: [OpaquePointer] = []
    private var isClosed = false

    /// - Parameter eventLoop: a loop of a `MultiThreadedEventLoopGroup`; the closure runs on it.
    init(eventLoop: any EventLoop, onWake: @escaping () -> Void) throws(KafkaError) {
        eventLoop.preconditionInEventLoop()
        self.eventLoop = eventLoop
        descriptor = rdkafka_eventfd()
        guard descriptor >= 0 else { throw KafkaError(.system, "no descriptor is left for a Kafka client") }
        let handler = NIOLoopBound(Handler(onWake: onWake), eventLoop: eventLoop)
        channel = NIOPipeBootstrap(group: eventLoop)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(handler.value)
                }
            }
            .takingOwnershipOfDescriptor(input: descriptor)
    }

    /// Takes over the reference to `queue`; it is let go by `close`.
    func watch(_ queue: OpaquePointer) {
        eventLoop.preconditionInEventLoop()
        queues.append(queue)
        var one: UInt64 = 1
        rd_kafka_queue_io_event_enable(queue, descriptor, &one, MemoryLayout<UInt64>.size)
    }

    /// Stops waking. The queues are silenced before the descriptor closes: its number may be another's an instant
    /// later.
    func close() {
        eventLoop.preconditionInEventLoop()
        guard !isClosed else { return }
        isClosed = true
        for queue in queues {
            rd_kafka_queue_io_event_enable(queue, -1, nil, 0)
            rd_kafka_queue_destroy(queue)
        }
        queues = []
        channel.whenSuccess { $0.close(promise: nil) }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let onWake: () -> Void

        init(onWake: @escaping () -> Void) {
            self.onWake = onWake
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            onWake()
        }
    }
}
