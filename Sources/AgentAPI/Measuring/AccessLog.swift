import AgentModel
import HTTP1
import Logging
import NIOCore

/// A line for each request at its end, and for each WebSocket and event stream at theirs.
///
/// The path is written without its query, which may hold what is nobody's business: tokens, names, what was asked.
struct AccessLog {
    /// Bytes of what a client chose that are written of one request.
    private static let longest = 1024

    /// What is known of a request when its answer begins.
    final class Entry {
        let method: String
        let path: String
        let route: String
        let status: Int
        let began: NIODeadline
        let peer: String
        let userAgent: String?

        init(
            _ head: RequestHead, route: String, status: Int, began: NIODeadline, peer: SocketAddress?
        ) {
            method = head.method.name
            path = AccessLog.cut(head.bytes.readableBytes > 0 ? head.text(head.path) : "")
            self.route = route
            self.status = status
            self.began = began
            self.peer = peer?.ipAddress.map { "\($0):\(peer?.port ?? 0)" } ?? ""
            userAgent = head.bytes.withUnsafeReadableBytes {
                RequestHeadText.values(of: "user-agent", in: $0).first.map { AccessLog.cut($0) }
            }
        }
    }

    private let logger: Logger

    init(_ logger: Logger) {
        var logger = logger
        // Whoever asks for these lines wants them, whatever else is logged.
        logger.logLevel = .info
        self.logger = logger
    }

    /// - Parameter bytes: of the body, or of all that a WebSocket or an event stream was sent.
    func write(_ entry: Entry, bytes: Int) {
        let microseconds = (NIODeadline.now() - entry.began).nanoseconds / 1000
        var fields: Logger.Metadata = [
            "method": "\(entry.method)", "path": "\(entry.path)", "route": "\(entry.route)",
            "status": .stringConvertible(entry.status), "bytes": .stringConvertible(bytes),
            "duration_ms": .stringConvertible(Double(microseconds) / 1000), "peer": "\(entry.peer)",
        ]
        if let agent = entry.userAgent { fields["user_agent"] = "\(agent)" }
        logger.info("request", metadata: fields)
    }

    fileprivate static func cut(_ text: String) -> String {
        guard text.utf8.count > longest else { return text }
        return String(decoding: text.utf8.prefix(longest), as: UTF8.self) + "…"
    }
}
