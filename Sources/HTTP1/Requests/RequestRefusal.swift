import AgentModel
import NIOHTTP1

/// Why a request cannot be read; it is answered with the status and the connection is closed, as nobody knows where
/// the next request would begin.
struct RequestRefusal: Error, Equatable {
    let status: HTTPResponseStatus
    let detail: String

    static func malformed(_ detail: String) -> RequestRefusal {
        RequestRefusal(status: .badRequest, detail: detail)
    }

    static let headTooLarge = RequestRefusal(
        status: .requestHeaderFieldsTooLarge, detail: "Request Header Fields Too Large")
    static let bodyTooLarge = RequestRefusal(status: .payloadTooLarge, detail: "Request Entity Too Large")
    static let tooManyUnfinished = RequestRefusal(
        status: .serviceUnavailable, detail: "Too many requests are unfinished")
    static let stopping = RequestRefusal(status: .serviceUnavailable, detail: TaskFailure.stopping.description)
    static let timeout = RequestRefusal(status: .requestTimeout, detail: "Request Timeout")
}
