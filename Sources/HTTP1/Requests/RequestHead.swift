import AgentModel
package import NIOCore

/// The head of a request: its bytes, and where in them stands what the server asks for.
///
/// Nothing is copied out of the bytes before it is asked for: most requests need their path and two numbers.
package struct RequestHead {
    /// How the end of the body is known (RFC 9112 section 6.3).
    package enum Framing: Equatable {
        case none
        case length(Int)
        case chunked
    }

    /// From the request line to the empty line, once the head is complete.
    package var bytes = ByteBuffer()
    /// How many bytes the head has, the empty line included.
    package var length = 0
    /// `other` for what no route is declared with.
    package var method = RequestMethod.other
    /// The path as it was sent, percent-encoded; empty for `*`.
    package var path = 0..<0
    /// What follows the `?`; nil without one.
    package var query: Range<Int>?
    /// The target is `*`, of `OPTIONS` alone.
    package var isAsterisk = false
    /// 0 or 1, of HTTP/1.x.
    package var minorVersion = 1
    /// As the fields say it.
    package var framing = Framing.none
    /// How many fields there are.
    package var fieldCount = 0

    /// What `Connection` says, then `Expect`, and whether `Content-Encoding` says more than `identity`.
    package var saysClose = false
    package var saysKeepAlive = false
    package var saysUpgrade = false
    package var expectsContinue = false
    package var expectsOther = false
    package var isContentEncoded = false

    /// Where the value of a field stands in `bytes`; nil without the field.
    package var host: Range<Int>?
    /// Of a target that is a whole URL; it goes before the `Host` field (RFC 9112 section 3.2.2).
    package var targetAuthority: Range<Int>?
    package var contentType: Range<Int>?
    package var origin: Range<Int>?
    package var lastEventID: Range<Int>?
    package var upgrade: Range<Int>?
    package var webSocketKey: Range<Int>?
    package var webSocketVersion: Range<Int>?
    package var preflightMethod: Range<Int>?
    package var preflightFields: Range<Int>?

    /// Whether the client wants to send another request (RFC 9112 section 9.3).
    package var keepsAlive: Bool { minorVersion == 1 ? !saysClose : saysKeepAlive && !saysClose }

    /// `host[:port]` that the request asks for; nil when it names none.
    package var authority: Range<Int>? { targetAuthority ?? host }

    /// What stands in a range of `bytes`.
    package func text(_ range: Range<Int>) -> String {
        bytes.withUnsafeReadableBytes { String(decoding: $0[range], as: UTF8.self) }
    }

    /// As `text`; nil for nil.
    package func text(_ range: Range<Int>?) -> String? {
        range.map { text($0) }
    }

    /// Whether a field's value is a token, whatever its case.
    package func field(_ range: Range<Int>?, is token: StaticString) -> Bool {
        guard let range else { return false }
        return bytes.withUnsafeReadableBytes { FieldText.equal(UnsafeRawBufferPointer(rebasing: $0[range]), token) }
    }

    /// `application/json`, or `application/…+json` (RFC 6839 section 3.1); what stands behind a `;` makes no difference.
    package var hasJSONContentType: Bool {
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

    /// Calls `body` with the path as it was sent.
    package func withPath<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        // The target `http://host` has no path; it means "/".
        if path.isEmpty { return [UInt8(ascii: "/")].withUnsafeBytes(body) }
        return bytes.withUnsafeReadableBytes { body(UnsafeRawBufferPointer(rebasing: $0[path])) }
    }

    /// The URL of a path of the server that was asked, with the request's query.
    package func location(of path: [UInt8]) -> String {
        var location = ""
        if let host = text(host) {
            let forwarded = bytes.withUnsafeReadableBytes {
                RequestHeadText.values(of: "x-forwarded-proto", in: $0).first?.lowercased()
            }
            // Behind a proxy that ends TLS, the client's scheme is not the connection's.
            location = (forwarded == "https" ? "https://" : "http://") + host
        }
        var target = path
        if let query {
            target.append(UInt8(ascii: "?"))
            bytes.withUnsafeReadableBytes { target += $0[query] }
        }
        for byte in target {
            location += byte < 0x80 ? String(UnicodeScalar(byte)) : "%" + String(byte, radix: 16, uppercase: true)
        }
        return location
    }
}
