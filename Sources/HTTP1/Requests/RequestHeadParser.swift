import NIOCore
import NIOHTTP1

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Reads the head of an HTTP/1 request (RFC 9112), strictly: whatever two readers could understand in two ways, which
/// is what request smuggling lives on, is malformed.
///
/// A value without I/O. It is given all bytes of the request that there are so far, and goes on where it stopped, so a
/// head that comes byte by byte is still read once. Written for this server because NIO's decoder makes a `String` of
/// every field and its handler chain is paid for by each request.
struct RequestHeadParser {
    enum Progress {
        case incomplete
        case complete(RequestHead)
        case refused(RequestRefusal)
    }

    private let maxBytes: Int
    private let maxFields: Int
    private var head = RequestHead()
    /// Where the line begins that is not complete yet.
    private var lineStart = 0
    /// Up to where there is no line feed after `lineStart`.
    private var searched = 0
    private var hasRequestLine = false
    private var hasContentLength = false
    private var hasTransferEncoding = false

    init(maxBytes: Int, maxFields: Int) {
        self.maxBytes = maxBytes
        self.maxFields = maxFields
    }

    /// `input` begins with the request; nothing of it is consumed. `complete` leaves `bytes` of the head to be set.
    mutating func parse(_ input: ByteBuffer) -> Progress {
        input.withUnsafeReadableBytes { parse($0) }
    }

    private mutating func parse(_ bytes: UnsafeRawBufferPointer) -> Progress {
        guard let base = bytes.baseAddress else { return .incomplete }
        while true {
            guard searched < bytes.count, let found = memchr(base + searched, 0x0A, bytes.count - searched) else {
                searched = bytes.count
                return bytes.count > maxBytes ? .refused(.headTooLarge) : .incomplete
            }
            let lineFeed = UnsafeRawPointer(found) - base
            guard lineFeed < maxBytes else { return .refused(.headTooLarge) }
            // A bare line feed as a line's end is one of those things that readers disagree on.
            guard lineFeed > lineStart, bytes[lineFeed - 1] == 0x0D else {
                return .refused(.malformed("A line must end with CR LF"))
            }
            let line = lineStart..<(lineFeed - 1)
            lineStart = lineFeed + 1
            searched = lineStart
            if !hasRequestLine {
                // RFC 9112 section 2.2: an empty line before the request line is skipped.
                if line.isEmpty { continue }
                if let refusal = requestLine(line, bytes) { return .refused(refusal) }
                hasRequestLine = true
            } else if line.isEmpty {
                head.length = lineStart
                if let refusal = check(bytes) { return .refused(refusal) }
                return .complete(head)
            } else if let refusal = field(line, bytes) {
                return .refused(refusal)
            }
        }
    }

    // MARK: Request line

    private mutating func requestLine(_ line: Range<Int>, _ bytes: UnsafeRawBufferPointer) -> RequestRefusal? {
        var at = line.lowerBound
        while at < line.upperBound, FieldText.isToken(bytes[at]) { at += 1 }
        guard at > line.lowerBound, at < line.upperBound, bytes[at] == 0x20 else {
            return .malformed("Invalid request method")
        }
        head.method = RequestMethod(token: UnsafeRawBufferPointer(rebasing: bytes[line.lowerBound..<at]))
        let target = at + 1
        at = target
        var query: Int?
        while at < line.upperBound, bytes[at] > 0x20, bytes[at] != 0x7F {
            if bytes[at] == UInt8(ascii: "?"), query == nil { query = at }
            if bytes[at] == UInt8(ascii: "#") { return .malformed("Invalid request target") }
            at += 1
        }
        guard at > target, at < line.upperBound, bytes[at] == 0x20 else { return .malformed("Invalid request target") }
        let version = UnsafeRawBufferPointer(rebasing: bytes[(at + 1)..<line.upperBound])
        guard version.count == 8, version.starts(with: "HTTP/".utf8), version[6] == UInt8(ascii: "."),
            isDigit(version[5]), isDigit(version[7])
        else { return .malformed("Invalid HTTP version") }
        guard version[5] == UInt8(ascii: "1") else {
            return RequestRefusal(status: .httpVersionNotSupported, detail: "HTTP Version Not Supported")
        }
        head.minorVersion = version[7] == UInt8(ascii: "0") ? 0 : 1
        head.query = query.map { ($0 + 1)..<at }
        return path(target..<(query ?? at), bytes)
    }

    /// The forms of a target of RFC 9112 section 3.2.
    private mutating func path(_ target: Range<Int>, _ bytes: UnsafeRawBufferPointer) -> RequestRefusal? {
        head.path = target
        if bytes[target.lowerBound] == UInt8(ascii: "/") { return nil }
        if target.count == 1, bytes[target.lowerBound] == UInt8(ascii: "*"), head.method == .options {
            head.isAsterisk = true
            head.path = target.lowerBound..<target.lowerBound
            return nil
        }
        for scheme in ["http://", "https://"] as [StaticString] {
            let length = scheme.utf8CodeUnitCount
            guard target.count > length else { continue }
            let prefix = bytes[target.lowerBound..<(target.lowerBound + length)]
            guard prefix.elementsEqual(UnsafeBufferPointer(start: scheme.utf8Start, count: length)) else { continue }
            let authority = target.lowerBound + length
            var at = authority
            while at < target.upperBound, bytes[at] != UInt8(ascii: "/") { at += 1 }
            guard at > authority else { break }
            head.targetAuthority = authority..<at
            // An empty path stands for "/".
            head.path = at..<target.upperBound
            return nil
        }
        return .malformed("Invalid request target")
    }

    // MARK: Fields

    private mutating func field(_ line: Range<Int>, _ bytes: UnsafeRawBufferPointer) -> RequestRefusal? {
        head.fieldCount += 1
        guard head.fieldCount <= maxFields else { return .headTooLarge }
        var at = line.lowerBound
        while at < line.upperBound, FieldText.isToken(bytes[at]) { at += 1 }
        // No white space before the colon, and no line that goes on from the one before (RFC 9112 section 5).
        guard at > line.lowerBound, at < line.upperBound, bytes[at] == UInt8(ascii: ":") else {
            return .malformed("Invalid header field name")
        }
        let name = UnsafeRawBufferPointer(rebasing: bytes[line.lowerBound..<at])
        let value = FieldText.trimmed(bytes[(at + 1)..<line.upperBound])
        guard FieldText.isValue(UnsafeRawBufferPointer(rebasing: value)) else {
            return .malformed("Invalid header field value")
        }
        return interpret(name, value.startIndex..<value.endIndex, bytes)
    }

    private mutating func interpret(
        _ name: UnsafeRawBufferPointer, _ value: Range<Int>, _ bytes: UnsafeRawBufferPointer
    ) -> RequestRefusal? {
        switch name.count {
        case 4 where FieldText.equal(name, "host"):
            guard head.host == nil else { return .malformed("More than one Host header field") }
            head.host = value
        case 6 where FieldText.equal(name, "origin"):
            // What decides who may come in must not be said twice.
            guard head.origin == nil else { return .malformed("More than one Origin header field") }
            head.origin = value
        case 6 where FieldText.equal(name, "expect"):
            let isContinue = FieldText.equal(UnsafeRawBufferPointer(rebasing: bytes[value]), "100-continue")
            head.expectsContinue = isContinue
            head.expectsOther = !isContinue
        case 7 where FieldText.equal(name, "upgrade"): head.upgrade = value
        case 10 where FieldText.equal(name, "connection"): connection(bytes[value])
        case 12 where FieldText.equal(name, "content-type"):
            guard head.contentType == nil else { return .malformed("More than one Content-Type header field") }
            head.contentType = value
        case 13 where FieldText.equal(name, "last-event-id"): head.lastEventID = value
        case 14 where FieldText.equal(name, "content-length"): return contentLength(bytes[value])
        case 16 where FieldText.equal(name, "content-encoding"):
            head.isContentEncoded = !FieldText.equal(UnsafeRawBufferPointer(rebasing: bytes[value]), "identity")
        case 17 where FieldText.equal(name, "transfer-encoding"): return transferEncoding(bytes[value])
        case 17 where FieldText.equal(name, "sec-websocket-key"): head.webSocketKey = value
        case 21 where FieldText.equal(name, "sec-websocket-version"): head.webSocketVersion = value
        case 29 where FieldText.equal(name, "access-control-request-method"): head.preflightMethod = value
        case 30 where FieldText.equal(name, "access-control-request-headers"): head.preflightFields = value
        default: break
        }
        return nil
    }

    private mutating func connection(_ value: Slice<UnsafeRawBufferPointer>) {
        for part in value.split(separator: UInt8(ascii: ",")) {
            let token = UnsafeRawBufferPointer(rebasing: FieldText.trimmed(part))
            if FieldText.equal(token, "close") { head.saysClose = true }
            if FieldText.equal(token, "keep-alive") { head.saysKeepAlive = true }
            if FieldText.equal(token, "upgrade") { head.saysUpgrade = true }
        }
    }

    private mutating func contentLength(_ value: Slice<UnsafeRawBufferPointer>) -> RequestRefusal? {
        guard !hasContentLength else { return .malformed("More than one Content-Length header field") }
        hasContentLength = true
        guard !value.isEmpty, value.allSatisfy(isDigit) else { return .malformed("Invalid Content-Length") }
        let digits = value.drop { $0 == UInt8(ascii: "0") }
        guard digits.count <= 18 else { return .bodyTooLarge }
        head.framing = .length(digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) })
        return nil
    }

    private mutating func transferEncoding(_ value: Slice<UnsafeRawBufferPointer>) -> RequestRefusal? {
        guard !hasTransferEncoding else { return .malformed("More than one Transfer-Encoding header field") }
        hasTransferEncoding = true
        guard FieldText.equal(UnsafeRawBufferPointer(rebasing: value), "chunked") else {
            return RequestRefusal(status: .notImplemented, detail: "Transfer coding not supported")
        }
        return nil
    }

    /// What only the whole head tells.
    private mutating func check(_ bytes: UnsafeRawBufferPointer) -> RequestRefusal? {
        if hasTransferEncoding {
            // RFC 9112 section 6.1: such a request may be an attempt at smuggling.
            guard !hasContentLength else { return .malformed("Both Transfer-Encoding and Content-Length") }
            guard head.minorVersion == 1 else { return .malformed("Transfer-Encoding in HTTP/1.0") }
            head.framing = .chunked
        }
        guard let host = head.host else {
            // RFC 9112 section 3.2.
            return head.minorVersion == 1 ? .malformed("Missing Host header field") : nil
        }
        return bytes[host].allSatisfy(isHostByte) ? nil : .malformed("Invalid Host header field")
    }
}

/// What can stand in a host and a port (RFC 3986 section 3.2.2).
@inline(__always)
private func isHostByte(_ byte: UInt8) -> Bool {
    switch byte {
    case ...0x20, 0x7F..., UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: "@"), UInt8(ascii: "?"),
        UInt8(ascii: "#"), UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"):
        false
    default: true
    }
}

@inline(__always)
private func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
}
