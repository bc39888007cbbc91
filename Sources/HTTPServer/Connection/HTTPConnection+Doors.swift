import AgentModel
import NIOCore
import NIOHTTP1

/// Who may come in (contract section 3): what is refused here has had no effect.
extension HTTPConnection {
    /// Answers a request that asks for a host which is not this one, or that would write for a page which is not let in.
    func isRefusedAtTheDoor() -> Bool {
        guard server.hosts.admits(head) else {
            let host = (head.text(head.authority) ?? "").prefix(200)
            let text = "This is not \(host): ask for an address or localhost, or name the host in ALLOWED_HOSTS"
            answer(.misdirectedRequest, ErrorBody.detail(text))
            return true
        }
        switch head.method {
        case .get, .head, .options: return false
        case .post, .put, .patch, .delete, .other: return isRefusedForItsOrigin()
        }
    }

    /// Answers what a page asks for that is not let in.
    func isRefusedForItsOrigin() -> Bool {
        guard isForeign else { return false }
        answer(.forbidden, ErrorBody.detail("Origin not allowed"))
        return true
    }

    /// Whether a body is JSON by its content type; answers when it is not.
    ///
    /// A body without a content type is not: a page elsewhere can send one without asking first (Fetch standard,
    /// "CORS-safelisted request-header").
    func acceptsContentType(_ body: ByteBuffer) -> Bool {
        if takesContentType(isEmpty: body.readableBytes == 0) { return true }
        let expected = head.isContentEncoded ? "a body without Content-Encoding" : "Content-Type: application/json"
        answer(.unsupportedMediaType, ErrorBody.detail("Unsupported Media Type, \(expected) expected"))
        return false
    }

    func takesContentType(isEmpty: Bool) -> Bool {
        !head.isContentEncoded && (head.contentType == nil ? isEmpty : head.hasJSONContentType)
    }

    /// A name that a client chose; answers when it is too long to be kept.
    func accepts(topic: String) -> Bool {
        guard let refusal = ClientName.refusal(topic, "topic") else { return true }
        let issue = ValidationIssue(
            type: "string_too_long", location: ["path", "topic"], message: refusal, input: ByteBuffer())
        answer(.unprocessableEntity, ErrorBody.invalid([issue]))
        return false
    }
}
