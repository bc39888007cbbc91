package import NIOCore

/// The HTTP request that a task, or a WebSocket, came with.
package struct RequestContext: Sendable {
    /// What the parameters of the route's path stand for, decoded, in the path's order.
    package var path: [(name: String, value: String)]
    /// The head as it came, checked: request line, fields, an empty line, each ended by CR LF. Empty for a task that came
    /// without a request.
    package var head: ByteBuffer

    package init(path: [(name: String, value: String)] = [], head: ByteBuffer = ByteBuffer()) {
        self.path = path
        self.head = head
    }

    /// Of what came on another way.
    package static let none = RequestContext()

    /// Text in which `{name}` of the path's parameters is replaced by what they stand for, as in a topic `device/{id}`.
    package func filled(_ template: String) -> String {
        guard !path.isEmpty, template.contains("{") else { return template }
        var filled = ""
        var rest = template[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            let name = rest[rest.index(after: open)..<close]
            filled += rest[..<open]
            filled += path.first { $0.name == name }?.value ?? "{\(name)}"
            rest = rest[rest.index(after: close)...]
        }
        return filled + rest
    }
}

/// Reads the head of a request that the server has checked: bytes, for those who need more of it than most requests do.
package enum RequestHeadText {
    /// Calls `body` with the name and the value of each field, in order; the name as it was sent, the value without white
    /// space around it.
    package static func eachField(
        _ head: UnsafeRawBufferPointer,
        _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
    ) {
        var isRequestLine = true
        for line in head.split(separator: UInt8(ascii: "\n")) {
            // RFC 9112 section 2.2: empty lines may come before the request line.
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if line.isEmpty { continue }
            if isRequestLine {
                isRequestLine = false
                continue
            }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            var value = line[(colon + 1)...]
            while value.first.map(isSpace) == true { value.removeFirst() }
            while value.last.map(isSpace) == true { value.removeLast() }
            body(
                UnsafeRawBufferPointer(rebasing: line[..<colon]), UnsafeRawBufferPointer(rebasing: value))
        }
    }

    /// The query of the target, without its `?`; nil without one.
    package static func query(_ head: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let begin = head.firstIndex { !isSpace($0) && $0 != 0x0D && $0 != 0x0A } ?? head.endIndex
        let line = head[begin...].prefix { $0 != UInt8(ascii: "\r") }
        let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count >= 2, let mark = parts[1].firstIndex(of: UInt8(ascii: "?")) else { return nil }
        return UnsafeRawBufferPointer(rebasing: parts[1][(mark + 1)...])
    }

    /// The values of the fields of a name, which is in lower case.
    package static func values(of name: StaticString, in head: UnsafeRawBufferPointer) -> [String] {
        var values: [String] = []
        eachField(head) { field, value in
            let isNamed = name.withUTF8Buffer { wanted in
                field.count == wanted.count && zip(field, wanted).allSatisfy { lower($0) == $1 }
            }
            if isNamed { values.append(String(decoding: value, as: UTF8.self)) }
        }
        return values
    }

    /// A letter of ASCII in lower case.
    package static func lower(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
