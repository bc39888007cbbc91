package import NIOCore
package import NIOHTTP1
import NIOWebSocket

/// Decides on an upgrade to WebSocket (RFC 6455 section 4.2).
package enum WebSocketHandshake {
    /// `fields` of a refusal say what would be accepted.
    package enum Decision {
        case accept(key: String)
        case refuse(HTTPResponseStatus, detail: String, fields: [(String, String)])
    }

    /// - Parameter isForeign: the request is of a page that is not let in.
    package static func decide(_ head: RequestHead, isForeign: Bool) -> Decision {
        let upgradeFields = [("upgrade", "websocket"), ("connection", "Upgrade")]
        guard head.saysUpgrade, head.field(head.upgrade, is: "websocket"), head.minorVersion == 1 else {
            return .refuse(.upgradeRequired, detail: "This is a WebSocket endpoint", fields: upgradeFields)
        }
        guard head.text(head.webSocketVersion) == "13" else {
            let fields = upgradeFields + [("sec-websocket-version", "13")]
            return .refuse(.upgradeRequired, detail: "WebSocket version 13 is needed", fields: fields)
        }
        guard head.method == .get, head.framing == .none || head.framing == .length(0) else {
            return .refuse(.badRequest, detail: "An upgrade to WebSocket is a GET without a body", fields: [])
        }
        guard let key = head.text(head.webSocketKey), isKey(key) else {
            return .refuse(.badRequest, detail: "Invalid Sec-WebSocket-Key", fields: [])
        }
        if isForeign {
            return .refuse(.forbidden, detail: "Origin not allowed", fields: [])
        }
        return .accept(key: key)
    }

    /// The fields of the response that accepts, made by NIO, which knows how to hash the key. The future is already
    /// fulfilled.
    package static func fields(key: String, on channel: any Channel) -> EventLoopFuture<HTTPHeaders> {
        let upgrader = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture(HTTPHeaders()) },
            upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
        let headers: HTTPHeaders = ["Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13"]
        return upgrader.buildUpgradeResponse(
            channel: channel,
            upgradeRequest: HTTPRequestHead(version: .http1_1, method: .GET, uri: "/", headers: headers),
            initialResponseHeaders: HTTPHeaders())
    }

    /// 16 bytes in base 64.
    private static func isKey(_ key: String) -> Bool {
        let bytes = Array(key.utf8)
        guard bytes.count == 24, bytes[22] == UInt8(ascii: "="), bytes[23] == UInt8(ascii: "=") else { return false }
        return bytes[..<22].allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                true
            default: false
            }
        }
    }
}
