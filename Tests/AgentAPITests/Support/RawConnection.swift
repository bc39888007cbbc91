import AgentModel
import NIOCore
import NIOPosix

/// A response as it came.
struct Reply: Sendable {
    var status: Int
    /// Names in lower case.
    var headers: [String: String]
    var body: String

    var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
    var detail: JSONValue { json["detail"] ?? .null }
}

/// A TCP connection that sends bytes exactly as it is told.
final class RawConnection {
    struct Ended: Error {}

    let channel: any Channel
    private var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var buffer = ByteBuffer()
    private var isAtEnd = false

    private init(
        _ channel: any Channel, _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.channel = channel
        iterator = inbound.makeAsyncIterator()
        self.outbound = outbound
    }

    static func open<Result>(
        _ port: Int, receiveBuffer: Int? = nil, _ body: (RawConnection) async throws -> Result
    ) async throws -> Result {
        var bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.allowRemoteHalfClosure, value: true)
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: .init(receiveBuffer))
        }
        let channel = try await bootstrap.connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                    wrappingChannelSynchronously: channel,
                    configuration: .init(isOutboundHalfClosureEnabled: true))
            }
        }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(RawConnection(channel.channel, inbound, outbound))
        }
    }

    func send(_ text: String) async throws {
        try await outbound.write(ByteBuffer(string: text))
    }

    func send(_ bytes: [UInt8]) async throws {
        try await outbound.write(ByteBuffer(bytes: bytes))
    }

    /// Sends while the caller goes on to receive: what both sides send does not fit between them.
    func sendMeanwhile(_ bytes: [UInt8]) -> Task<Void, any Error> {
        Task { [outbound] in try await outbound.write(ByteBuffer(bytes: bytes)) }
    }

    /// Ends the own side; the peer's stays open.
    func finish() { outbound.finish() }

    /// Closes without waiting for anything.
    func close() async throws { try await channel.close() }

    // MARK: Receiving

    private func more() async throws -> Bool {
        if isAtEnd { return false }
        guard var bytes = try await iterator.next(isolation: #isolation) else {
            isAtEnd = true
            return false
        }
        buffer.writeBuffer(&bytes)
        return true
    }

    /// Everything up to and with a text.
    func receive(through end: String) async throws -> String {
        while true {
            let text = String(buffer: buffer)
            if let found = text.firstRange(of: end) {
                let count = text[..<found.upperBound].utf8.count
                return buffer.readString(length: count) ?? ""
            }
            guard try await more() else { throw Ended() }
        }
    }

    func receive(count: Int) async throws -> [UInt8] {
        while buffer.readableBytes < count {
            guard try await more() else { throw Ended() }
        }
        return buffer.readBytes(length: count) ?? []
    }

    /// Everything until the peer ends its side. A reset counts as an end.
    func receiveToEnd() async throws -> String {
        do {
            while try await more() {}
        } catch is IOError {
            isAtEnd = true
        }
        return buffer.readString(length: buffer.readableBytes) ?? ""
    }

    func reply(isHead: Bool = false) async throws -> Reply {
        let head = try await receive(through: "\r\n\r\n")
        let lines = head.split(separator: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingSpaces
        }
        let status = Int(lines[0].split(separator: " ")[1]) ?? 0
        let length = isHead || status == 204 || status < 200 ? 0 : Int(headers["content-length"] ?? "0") ?? 0
        let body = String(decoding: try await receive(count: length), as: UTF8.self)
        return Reply(status: status, headers: headers, body: body)
    }
}

extension Substring {
    fileprivate var trimmingSpaces: String {
        String(drop { $0 == " " })
    }
}
