package import NIOCore

/// An HTTP answer that a script made itself (`agenthost.answer`), checked: what it says may be sent as it is.
package final class TaskAnswer: Sendable {
    /// What the body is, for those who get it on a way that is JSON.
    package enum Form: Sendable {
        case json
        case text
        /// A text whose own `Content-Type` says that it is JSON.
        case saysJSON
    }

    /// 200 to 599.
    package let status: Int
    /// Lines of fields as they stand in a head, each ended by CR LF; none that is for the host to say.
    package let fields: ByteBuffer
    /// Of the body, where `fields` does not tell.
    package let contentType: String?
    package let body: ByteBuffer?
    /// Whether `fields` says which origins may read it.
    package let namesOrigin: Bool
    private let form: Form

    package init(
        status: Int, fields: ByteBuffer = ByteBuffer(), contentType: String? = nil, body: ByteBuffer?,
        form: Form = .json, namesOrigin: Bool = false
    ) {
        self.status = status
        self.fields = fields
        self.contentType = contentType
        self.body = body
        self.form = form
        self.namesOrigin = namesOrigin
    }

    /// Whether it refuses what was asked for (RFC 9110 sections 15.5 and 15.6).
    package var isRefusal: Bool { status >= 400 }

    /// Whether a status is answered without any content (RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5).
    package static func hasNoContent(status: Int) -> Bool { status == 204 || status == 205 || status == 304 }

    /// What it means where there is no HTTP: a body that is the task's result, or why there is none.
    package var result: Result<ByteBuffer, TaskFailure> {
        isRefusal ? .failure(.answered(status: status, detail: detail)) : .success(json)
    }

    private var json: ByteBuffer {
        guard let body else { return ByteBuffer(staticString: "null") }
        switch form {
        case .json: return body
        case .saysJSON where (try? JSONScanner.validate(body)) != nil: return body
        case .text, .saysJSON:
            var text = ByteBuffer()
            body.withUnsafeReadableBytes { text.writeJSON(ofBytes: $0) }
            return text
        }
    }

    /// As FastAPI's `HTTPException` has it: the `detail` of a body that is an object, else the body.
    private var detail: String {
        guard let body else { return "status \(status)" }
        guard form != .text, let detail = (try? JSONScanner.members(of: body)) ?? nil else { return Self.cut(body) }
        return detail.string("detail") ?? Self.cut(detail["detail"] ?? body)
    }

    /// Bytes of a detail: what it is cut to, as errors of scripts are.
    private static let longestDetail = 8 << 10

    private static func cut(_ body: ByteBuffer) -> String {
        let text = String(decoding: body.readableBytesView.prefix(longestDetail), as: UTF8.self)
        return body.readableBytes > longestDetail ? "\(text)… (\(body.readableBytes) bytes)" : text
    }
}
