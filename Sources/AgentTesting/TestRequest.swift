import NIOCore

/// An HTTP request of a test, as it goes to the server.
struct TestRequest {
    var method: String
    /// With the query, if there is one.
    var target: String
    var fields: [(name: String, value: String)] = []
    var body: ByteBuffer?

    /// HTTP/1.1 (RFC 9112 section 3).
    var bytes: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeString("\(method) \(target) HTTP/1.1\r\n")
        if !fields.contains(where: { $0.name.lowercased() == "host" }) { buffer.writeString("host: agent.test\r\n") }
        for field in fields { buffer.writeString("\(field.name): \(field.value)\r\n") }
        if let body { buffer.writeString("content-length: \(body.readableBytes)\r\n") }
        buffer.writeString("\r\n")
        if let body { buffer.writeImmutableBuffer(body) }
        return buffer
    }
}

/// What a request was answered with.
struct TestResponse {
    var head: ResponseHead
    var body: ByteBuffer
}
