import AgentModel
import HTTP1
import NIOCore
import NIOHTTP1

/// What is refused in the same words wherever it comes up.
extension HTTPConnection {
    func refuseInvalidPath() {
        answer(.badRequest, ErrorBody.detail("The path is not UTF-8"))
    }

    /// Whether a body is JSON by its content type; answers when it is not.
    func acceptsContentType(_ body: ByteBuffer) -> Bool {
        if head.takesJSON(isEmpty: body.readableBytes == 0) { return true }
        let expected = head.isContentEncoded ? "a body without Content-Encoding" : "Content-Type: application/json"
        answer(.unsupportedMediaType, ErrorBody.detail("Unsupported Media Type, \(expected) expected"))
        return false
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

extension RequestHead {
    /// Whether the body may be taken for JSON.
    ///
    /// A body without a content type may not: a page elsewhere can send one without asking first (Fetch standard,
    /// "CORS-safelisted request-header").
    func takesJSON(isEmpty: Bool) -> Bool {
        !isContentEncoded && (contentType == nil ? isEmpty : hasJSONContentType)
    }
}

extension RoutePath {
    /// What the parameters of the path stand for; nil where that is not UTF-8.
    func parameters(_ head: RequestHead, _ captures: [Range<Int>]) -> [(name: String, value: String)]? {
        guard !captures.isEmpty else { return [] }
        var parameters: [(name: String, value: String)] = []
        for (name, capture) in zip(names, captures) {
            guard let value = head.withPath({ PercentEncoding.decoded($0[capture]) }) else { return nil }
            parameters.append((name, value))
        }
        return parameters
    }

    /// The topic that a template means on the request's path; nil where that is not UTF-8.
    func topic(_ template: String, _ head: RequestHead, _ captures: [Range<Int>]) -> String? {
        guard !captures.isEmpty else { return template }
        guard let parameters = parameters(head, captures) else { return nil }
        let topic = RequestContext(path: parameters).filled(template)
        return topic.utf8.contains(0) ? nil : topic
    }
}
