import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// A Kubernetes API server of one namespace that knows secrets and nothing else, over TLS on a free loopback port.
final class FakeKubernetesAPI: Sendable {
    struct State {
        /// The tokens that are accepted.
        var tokens: Set<String>
        /// The `data` objects by secret name, already base64.
        var secrets: [String: [String: String]] = [:]
        /// Secrets that may not be read.
        var forbidden: Set<String> = []
        /// A status and body that answers everything instead.
        var answer: (UInt, String)?
        /// Runs on a 401, before the answer leaves.
        var onUnauthorized: (@Sendable () -> Void)?
        /// `METHOD path STATUS` of every request.
        var requests: [String] = []
    }

    let state: Mutex<State>
    private let channel: any Channel

    var port: Int { channel.localAddress?.port ?? 0 }

    init(_ certificates: TestCertificates, token: String) async throws {
        let chain = try NIOSSLCertificate.fromPEMFile(certificates.certificate)
            .map { NIOSSLCertificateSource.certificate($0) }
        let key = try NIOSSLPrivateKey(file: certificates.key, format: .pem)
        let context = try NIOSSLContext(
            configuration: .makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key)))
        state = Mutex(State(tokens: [token]))
        let holder = Holder()
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(holder: holder))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        holder.api.withLock { $0 = self }
    }

    func stop() async throws {
        try await channel.close()
    }

    /// Puts a secret of text values.
    func put(_ name: String, _ values: [String: String]) {
        state.withLock { $0.secrets[name] = values.mapValues { Data($0.utf8).base64EncodedString() } }
    }

    fileprivate func answer(_ head: HTTPRequestHead) -> (UInt, String) {
        let result = state.withLock { state -> (UInt, String, (@Sendable () -> Void)?) in
            let (status, body) = Self.answer(head, state)
            state.requests.append("\(head.method) \(head.uri) \(status)")
            return (status, body, status == 401 ? state.onUnauthorized : nil)
        }
        result.2?()
        return (result.0, result.1)
    }

    private static func answer(_ head: HTTPRequestHead, _ state: State) -> (UInt, String) {
        if let answer = state.answer { return answer }
        let tokens = state.tokens.map { "Bearer " + $0 }
        guard let authorization = head.headers.first(name: "authorization"), tokens.contains(authorization) else {
            return (401, status("Unauthorized", 401, "Unauthorized"))
        }
        let prefix = "/api/v1/namespaces/shop/secrets/"
        guard head.method == .GET, head.uri.hasPrefix(prefix) else { return (404, "404 page not found") }
        let name = String(head.uri.dropFirst(prefix.count))
        if state.forbidden.contains(name) {
            let message = "secrets \\\"\(name)\\\" is forbidden: User \\\"x\\\" cannot get resource"
            return (403, status("Forbidden", 403, message))
        }
        guard let data = state.secrets[name] else {
            return (404, status("NotFound", 404, "secrets \\\"\(name)\\\" not found"))
        }
        let entries = data.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\"\($0.value)\"" }.joined(separator: ",")
        return (
            200,
            """
            {"kind":"Secret","apiVersion":"v1","metadata":{"name":"\(name)","namespace":"shop","resourceVersion":"7"},\
            "data":{\(entries)},"type":"Opaque"}
            """
        )
    }

    private static func status(_ reason: String, _ code: Int, _ message: String) -> String {
        """
        {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"\(message)",\
        "reason":"\(reason)","details":{},"code":\(code)}
        """
    }

    private final class Holder: Sendable {
        let api = Mutex<FakeKubernetesAPI?>(nil)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let holder: Holder
        private var head: HTTPRequestHead?

        init(holder: Holder) {
            self.holder = holder
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
            case .body:
                break
            case .end:
                guard let head, let api = holder.api.withLock({ $0 }) else {
                    context.close(promise: nil)
                    return
                }
                let (status, body) = api.answer(head)
                var headers = HTTPHeaders()
                headers.add(name: "content-type", value: "application/json")
                headers.add(name: "content-length", value: String(body.utf8.count))
                let response = HTTPResponseHead(
                    version: .http1_1, status: HTTPResponseStatus(statusCode: Int(status)), headers: headers)
                context.write(wrapOutboundOut(.head(response)), promise: nil)
                context.write(
                    wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(string: body)))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
