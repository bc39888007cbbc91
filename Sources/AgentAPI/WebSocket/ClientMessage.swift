import AgentModel
import NIOCore

/// An enveloped message from a client; everything but its type may be missing.
struct ClientMessage {
    let id: String?
    let correlationID: String?
    /// JSON; an empty object when the client sent none.
    let payload: ByteBuffer
    private let fields: JSONMembers?

    init(_ members: JSONMembers) {
        id = members.string("message_id")
        correlationID = members.string("correlation_id")
        payload = members["payload"] ?? ByteBuffer(string: "{}")
        // The whole document was checked, so what is nil here is no object.
        fields = try? JSONScanner.members(of: payload)
    }

    func string(_ name: String) -> String? { fields?.string(name) }

    /// JSON of a member of the payload that is there and not null.
    func member(_ name: String) -> ByteBuffer? {
        fields?.isNull(name) == true ? nil : fields?[name]
    }
}
