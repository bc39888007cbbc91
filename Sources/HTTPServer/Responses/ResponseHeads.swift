import AgentModel
import NIOCore
import NIOHTTP1

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Writes the heads of responses. Those nearly every response has are kept as bytes, renewed when the second changes.
struct ResponseHeads {
    /// What the request decides about the head of its response.
    struct Terms {
        var minorVersion = 1
        var keepsAlive = true
        /// `access-control-allow-origin`; nil for none.
        var allowedOrigin: String?
        var varies = false
        /// Beside `allowedOrigin`.
        var allowsCredentials = false
    }

    private var second = -1
    /// `HTTP/1.1 200 OK` and the fields up to the digits of `content-length`.
    private var common = ByteBuffer()
    /// The same with `vary: Origin`.
    private var varying = ByteBuffer()
    private var date = ByteBuffer()

    /// A response with a body of `length` bytes, JSON unless said otherwise, or none when `length` is nil.
    mutating func write(
        _ status: HTTPResponseStatus, length: Int?, type: String? = nil, terms: Terms,
        fields: [(String, String)] = [], to buffer: inout ByteBuffer
    ) {
        renew()
        if status == .ok, type == nil, let length, terms.keepsAlive, terms.minorVersion == 1,
            terms.allowedOrigin == nil, fields.isEmpty
        {
            buffer.writeImmutableBuffer(terms.varies ? varying : common)
            buffer.writeJSONInteger(Int64(length))
            buffer.writeStaticString("\r\n\r\n")
            return
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

    /// The answer of a script, without its body.
    mutating func write(_ answer: TaskAnswer, terms: Terms, to buffer: inout ByteBuffer) {
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
    mutating func writeEventStream(terms: Terms, to buffer: inout ByteBuffer) {
        renew()
        begin(.ok, terms: terms, to: &buffer)
        buffer.writeStaticString(
            """
            content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\nx-accel-buffering: no\r\n\
            connection: close\r\n\r\n
            """)
    }

    /// The answer to an upgrade that is accepted (RFC 6455 section 4.2.2).
    mutating func writeSwitchingProtocols(_ fields: HTTPHeaders, to buffer: inout ByteBuffer) {
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
