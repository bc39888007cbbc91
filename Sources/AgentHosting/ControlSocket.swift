import AgentModel
import AgentWorker
import Foundation
import NIOCore
import NIOPosix

/// The socket on which a host takes events from `agenthost send`: a Unix socket that only its user can open, one JSON
/// document `{"event_type", "data"}` a connection, answered with `ok` or what is wrong.
enum ControlSocket {
    /// Bytes.
    private static let longest = 1 << 20

    static func open(for worker: Worker, in registry: HostRegistry) async throws -> any Channel {
        try registry.prepare()
        let path = registry.socketPath(pid: getpid())
        let channel = try await ServerBootstrap(group: worker.loop)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Receiver(worker: worker))
                }
            }
            .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
        chmod(path, 0o600)
        return channel
    }

    /// Throws `HostFailure`.
    static func send(type: String, data: String, pid: Int32, in registry: HostRegistry) async throws {
        var request = ByteBuffer()
        request.writeStaticString("{\"event_type\":")
        request.writeJSONString(type)
        request.writeString(",\"data\":\(data)}")
        let answer: String
        do {
            answer = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
                .connect(unixDomainSocketPath: registry.socketPath(pid: pid)) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                            wrappingChannelSynchronously: channel,
                            configuration: .init(isOutboundHalfClosureEnabled: true))
                    }
                }
                .executeThenClose { inbound, outbound in
                    try await outbound.write(request)
                    outbound.finish()
                    var answer = ByteBuffer()
                    for try await part in inbound { answer.writeImmutableBuffer(part) }
                    return String(buffer: answer)
                }
        } catch {
            throw HostFailure(
                .agent, "the host of process \(pid) takes no events: \(HostFailure.reason(of: error))")
        }
        guard answer == "ok" else { throw HostFailure(.agent, answer) }
    }

    private final class Receiver: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let worker: Worker
        private var document = ByteBuffer()

        init(worker: Worker) {
            self.worker = worker
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            document.writeImmutableBuffer(unwrapInboundIn(data))
            if document.readableBytes > ControlSocket.longest { context.close(promise: nil) }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case ChannelEvent.inputClosed? = event as? ChannelEvent else {
                return context.fireUserInboundEventTriggered(event)
            }
            let answer: String
            if let members = try? JSONScanner.members(of: document), let type = members.string("event_type"),
                let data = members["data"]
            {
                if let refusal = ClientName.refusal(type, "event type") {
                    answer = refusal
                } else if data.readableBytesView.first == UInt8(ascii: "{") {
                    worker.inject(type: type, data: data)
                    answer = "ok"
                } else {
                    answer = "the data of an event is a JSON object"
                }
            } else {
                answer = "an event is {\"event_type\", \"data\"}"
            }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
            context.close(promise: nil)
        }
    }
}
