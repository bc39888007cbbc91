import NIOCore

/// The head of a request: its bytes, and where in them stands what the server asks for.
///
/// Nothing is copied out of the bytes before it is asked for: most requests need their path and two numbers.
struct RequestHead {
    /// How the end of the body is known (RFC 9112 section 6.3).
    enum Framing: Equatable {
        case none
        case length(Int)
        case chunked
    }

    /// From the request line to the empty line, once the head is complete.
    var bytes = ByteBuffer()
    /// How many bytes the head has, the empty line included.
    var length = 0
    var method = RequestMethod.other
    /// The path as it was sent, percent-encoded; empty for `*`.
    var path = 0..<0
    /// What follows the `?`; nil without one.
    var query: Range<Int>?
    var isAsterisk = false
    /// 0 or 1, of HTTP/1.x.
    var minorVersion = 1
    var framing = Framing.none
    var fieldCount = 0

    var saysClose = false
    var saysKeepAlive = false
    var saysUpgrade = false
    var expectsContinue = false
    var expectsOther = false
    var isContentEncoded = false

    var host: Range<Int>?
    /// Of a target that is a whole URL; it goes before the `Host` field (RFC 9112 section 3.2.2).
    var targetAuthority: Range<Int>?
    var contentType: Range<Int>?
    var origin: Range<Int>?
    var lastEventID: Range<Int>?
    var upgrade: Range<Int>?
    var webSocketKey: Range<Int>?
    var webSocketVersion: Range<Int>?
    var preflightMethod: Range<Int>?
    var preflightFields: Range<Int>?

    /// Whether the client wants to send another request (RFC 9112 section 9.3).
    var keepsAlive: Bool { minorVersion == 1 ? !saysClose : saysKeepAlive && !saysClose }

    /// `host[:port]` that the request asks for; nil when it names none.
    var authority: Range<Int>? { targetAuthority ?? host }

    func text(_ range: Range<Int>) -> String {
        bytes.withUnsafeReadableBytes { String(decoding: $0[range], as: UTF8.self) }
    }

    func text(_ range: Range<Int>?) -> String? {
        range.map { text($0) }
    }

    /// Whether a field's value is a token, whatever its case.
    func field(_ range: Range<Int>?, is token: StaticString) -> Bool {
        guard let range else { return false }
        return bytes.withUnsafeReadableBytes { FieldText.equal(UnsafeRawBufferPointer(rebasing: $0[range]), token) }
    }

    /// `application/json`, or `application/…+json` (RFC 6839 section 3.1); what stands behind a `;` makes no difference.
    var hasJSONContentType: Bool {
        guard let contentType else { return false }
        return bytes.withUnsafeReadableBytes { bytes in
            let value = bytes[contentType]
            let type = UnsafeRawBufferPointer(rebasing: FieldText.trimmed(value.prefix { $0 != UInt8(ascii: ";") }))
            if FieldText.equal(type, "application/json") { return true }
            let prefix: StaticString = "application/"
            let suffix: StaticString = "+json"
            let subtype = type.dropFirst(prefix.utf8CodeUnitCount)
            return FieldText.equal(UnsafeRawBufferPointer(rebasing: type.prefix(prefix.utf8CodeUnitCount)), prefix)
                && subtype.count > suffix.utf8CodeUnitCount && subtype.allSatisfy(FieldText.isToken)
                && FieldText.equal(
                    UnsafeRawBufferPointer(rebasing: subtype.suffix(suffix.utf8CodeUnitCount)), suffix)
        }
    }
}
