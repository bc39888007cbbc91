import AgentModel
import AgentWorker
import Foundation
import NIOCore
import NIOPosix

/// The socket on which a host takes events from `agenthost send`, and is asked to send kept dead letters again: a Unix
/// socket that only its user can open, one JSON document `{"event_type", "data"}` or `{"replay": topic or null}` a
/// connection, answered with `ok` or what is wrong.
enum ControlSocket {
    /// Bytes.
    private static let longest = 1 << 20

    static func open(for worker: Worker, _ spool: HostSpool, in registry: HostRegistry) async throws -> any Channel {
        try registry.prepare()
        let path = registry.socketPath(pid: getpid())
        let channel = try await ServerBootstrap(group: worker.loop)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Receiver(worker: worker, spool: spool))
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
        let answer = try await ask(request, pid: pid, in: registry)
        guard answer == "ok" else { throw HostFailure(.agent, answer) }
    }

    /// Asks for kept dead letters to be sent again, those of one topic or all; returns what became of them. Throws
    /// `HostFailure` when some are still kept.
    static func replay(topic: String?, pid: Int32, in registry: HostRegistry) async throws -> String {
        var request = ByteBuffer()
        request.writeStaticString("{\"replay\":")
        request.writeJSONStringOrNull(topic)
        request.writeStaticString("}")
        let answer = try await ask(request, pid: pid, in: registry)
        guard answer.hasPrefix("ok ") else { throw HostFailure(.agent, answer) }
        return String(answer.dropFirst(3))
    }

    private static func ask(_ request: ByteBuffer, pid: Int32, in registry: HostRegistry) async throws -> String {
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
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
                .agent, "the host of process \(pid) takes no requests: \(HostFailure.reason(of: error))")
        }
    }

    private final class Receiver: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let worker: Worker
        private let spool: HostSpool
        private var document = ByteBuffer()

        init(worker: Worker, spool: HostSpool) {
            self.worker = worker
            self.spool = spool
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
            if let request = try? JSONValue(parsing: document), let topic = request["replay"] {
                return replay(topic.stringValue, context)
            }
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
            reply(answer, context)
        }

        private func reply(_ answer: String, _ context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
            context.close(promise: nil)
        }

        private func replay(_ topic: String?, _ context: ChannelHandlerContext) {
            guard let folder = spool.current else { return reply("the host keeps no dead letters", context) }
            let promise = context.eventLoop.makePromise(of: String.self)
            promise.completeWithTask { [worker] in await SpoolReplay.run(folder, topic: topic, on: worker) }
            promise.futureResult.assumeIsolated().whenSuccess { self.reply($0, context) }
        }
    }
}
