package import AgentModel
package import NIOCore
package import NIOHTTP1

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Writes the heads of responses. Those nearly every response has are kept as bytes, renewed when the second changes.
package struct ResponseHeads {
    /// What the request decides about the head of its response.
    package struct Terms {
        /// 0 or 1, of the request's HTTP/1.x.
        package var minorVersion = 1
        /// Whether the connection goes on.
        package var keepsAlive = true
        /// `access-control-allow-origin`; nil for none.
        package var allowedOrigin: String?
        /// Whether the answer would be another for another origin (`vary: Origin`).
        package var varies = false
        /// Beside `allowedOrigin`.
        package var allowsCredentials = false

        package init(minorVersion: Int = 1, keepsAlive: Bool = true) {
            self.minorVersion = minorVersion
            self.keepsAlive = keepsAlive
        }
    }

    /// Room for the digits of a length, which has at most 19, and for the end of the head.
    private static let longestEnd = 24

    private var second = -1
    /// `HTTP/1.1 200 OK` and the fields up to the digits of `content-length`.
    private var common = ByteBuffer()
    /// The same with `vary: Origin`.
    private var varying = ByteBuffer()
    private var date = ByteBuffer()

    /// A response with a body of `length` bytes, JSON unless said otherwise, or none when `length` is nil. There will be
    /// `room` for so many bytes behind the head.
    package mutating func write(
        _ status: HTTPResponseStatus, length: Int?, type: String? = nil, terms: Terms,
        fields: [(String, String)] = [], room: Int = 0, to buffer: inout ByteBuffer
    ) {
        renew()
        if status == .ok, type == nil, let length, terms.keepsAlive, terms.minorVersion == 1,
            terms.allowedOrigin == nil, fields.isEmpty
        {
            return Self.write(terms.varies ? varying : common, length: length, room: room, to: &buffer)
        }
        begin(status, terms: terms, to: &buffer)
        for (name, value) in fields { buffer.writeString("\(name): \(value)\r\n") }
        if let length {
            buffer.writeString("content-type: \(type ?? "application/json")\r\ncontent-length: ")
            buffer.writeJSONInteger(Int64(length))
            buffer.writeStaticString("\r\n")
        }
        end(status, hasBody: length != nil, terms: terms, to: &buffer)
    }

    /// A head that lacks no more than the digits of its length: all of it at once.
    private static func write(_ head: ByteBuffer, length: Int, room: Int, to buffer: inout ByteBuffer) {
        head.withUnsafeReadableBytes { head in
            _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: head.count + longestEnd + room) { target in
                target.copyMemory(from: head)
                var digits = 1
                var power = 10
                while power <= length {
                    digits += 1
                    power *= 10
                }
                var rest = length
                for place in (head.count..<(head.count + digits)).reversed() {
                    target[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                    rest /= 10
                }
                let end = head.count + digits
                target.storeBytes(of: UInt32(0x0D0A_0D0A).bigEndian, toByteOffset: end, as: UInt32.self)
                return end + 4
            }
        }
    }

    /// The answer of a script, without its body.
    package mutating func write(_ answer: TaskAnswer, terms: Terms, to buffer: inout ByteBuffer) {
        renew()
        let status = HTTPResponseStatus(statusCode: answer.status)
        begin(status, terms: terms, to: &buffer)
        buffer.writeImmutableBuffer(answer.fields)
        if let type = answer.contentType { buffer.writeString("content-type: \(type)\r\n") }
        if let body = answer.body {
            buffer.writeStaticString("content-length: ")
            buffer.writeJSONInteger(Int64(body.readableBytes))
            buffer.writeStaticString("\r\n")
        }
        end(status, hasBody: answer.body != nil, terms: terms, to: &buffer)
    }

    /// How long what has no body is, and how the connection goes on.
    private func end(_ status: HTTPResponseStatus, hasBody: Bool, terms: Terms, to buffer: inout ByteBuffer) {
        // RFC 9110 section 8.6: none with 204, and with 304 only that of the answer which is not sent.
        if !hasBody, status != .noContent, status != .notModified {
            buffer.writeStaticString("content-length: 0\r\n")
        }
        if !terms.keepsAlive {
            buffer.writeStaticString("connection: close\r\n")
        } else if terms.minorVersion == 0 {
            buffer.writeStaticString("connection: keep-alive\r\n")
        }
        buffer.writeStaticString("\r\n")
    }

    /// The head of Server-Sent Events: their end is the connection's end.
    package mutating func writeEventStream(terms: Terms, to buffer: inout ByteBuffer) {
        renew()
        begin(.ok, terms: terms, to: &buffer)
        buffer.writeStaticString(
            """
            content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\nx-accel-buffering: no\r\n\
            connection: close\r\n\r\n
            """)
    }

    /// The answer to an upgrade that is accepted (RFC 6455 section 4.2.2).
    package mutating func writeSwitchingProtocols(_ fields: HTTPHeaders, to buffer: inout ByteBuffer) {
        renew()
        begin(.switchingProtocols, terms: Terms(), to: &buffer)
        for (name, value) in fields { buffer.writeString("\(name): \(value)\r\n") }
        buffer.writeStaticString("\r\n")
    }

    private func begin(_ status: HTTPResponseStatus, terms: Terms, to buffer: inout ByteBuffer) {
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.writeJSONInteger(Int64(status.code))
        buffer.writeStaticString(" ")
        buffer.writeString(status.reasonPhrase)
        buffer.writeStaticString("\r\ndate: ")
        buffer.writeImmutableBuffer(date)
        buffer.writeStaticString("\r\n")
        if let origin = terms.allowedOrigin {
            buffer.writeString("access-control-allow-origin: \(origin)\r\n")
            if terms.allowsCredentials { buffer.writeStaticString("access-control-allow-credentials: true\r\n") }
        }
        if terms.varies { buffer.writeStaticString("vary: Origin\r\n") }
    }

    private mutating func renew() {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &now)
        guard now.tv_sec != second else { return }
        second = now.tv_sec
        date.clear()
        HTTPDate.write(second, to: &date)
        prepare(&common, "")
        prepare(&varying, "\r\nvary: Origin")
    }

    private func prepare(_ head: inout ByteBuffer, _ more: StaticString) {
        head.clear()
        head.writeStaticString("HTTP/1.1 200 OK\r\ndate: ")
        head.writeImmutableBuffer(date)
        head.writeStaticString(more)
        head.writeStaticString("\r\ncontent-type: application/json\r\ncontent-length: ")
    }
}
