/// A path that a route is declared with: literal segments, `{name}` for one segment that is not empty, and `{name:path}` at
/// the end for all that is left, slashes included.
package struct RoutePath: Sendable, Equatable {
    package enum Segment: Sendable, Equatable {
        case literal(String)
        case parameter(String)
        case rest(String)
    }

    /// Why a path cannot be declared: the end of a sentence that begins with the path.
    package struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
        package let description: String
    }

    /// As it was declared.
    package let text: String
    /// Between the slashes; `/` has one empty segment.
    package let segments: [Segment]

    package init(_ text: String) throws(Fault) {
        guard text.utf8.first == UInt8(ascii: "/") else { throw Fault(description: "must begin with /") }
        if text.utf8.contains(where: { "?#".utf8.contains($0) }) {
            throw Fault(description: "must not have a query or a fragment")
        }
        if text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) {
            throw Fault(description: "must not have white space")
        }
        let parts = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        var segments: [Segment] = []
        for (position, part) in parts.enumerated() {
            segments.append(try Self.segment(part, isLast: position == parts.count - 1))
        }
        self.text = text
        self.segments = segments
        let names = names
        if let twice = names.indices.first(where: { names[..<$0].contains(names[$0]) }) {
            throw Fault(description: "has the parameter {\(names[twice])} twice")
        }
    }

    private static func segment(_ part: Substring, isLast: Bool) throws(Fault) -> Segment {
        guard part.contains(where: { $0 == "{" || $0 == "}" }) else { return .literal(String(part)) }
        let inner = part.dropFirst().dropLast()
        guard part.first == "{", part.last == "}", part.count > 2, !inner.contains(where: { $0 == "{" || $0 == "}" })
        else { throw Fault(description: "must have a parameter as a whole segment, as in /device/{id}") }
        let pieces = inner.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(pieces[0])
        guard isName(name) else {
            throw Fault(description: "has the parameter {\(inner)}: a name of letters, digits and _ expected")
        }
        guard pieces.count > 1 else { return .parameter(name) }
        guard pieces[1] == "path" else {
            throw Fault(description: "has the parameter {\(inner)}: {\(name)}, or {\(name):path} at the end, expected")
        }
        guard isLast else { throw Fault(description: "must have {\(inner)}, which takes all that is left, at its end") }
        return .rest(name)
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == UInt8(ascii: "_")
        }
    }

    /// The names of the parameters, in order.
    package var names: [String] {
        segments.compactMap { segment in
            switch segment {
            case .literal: nil
            case .parameter(let name), .rest(let name): name
            }
        }
    }

    package var hasParameters: Bool {
        segments.contains { if case .literal = $0 { false } else { true } }
    }

    /// The same for paths that take the same requests: `/device/{}` for `/device/{id}`.
    package var shape: String {
        segments.reduce(into: "") { shape, segment in
            switch segment {
            case .literal(let text): shape += "/" + text
            case .parameter: shape += "/{}"
            case .rest: shape += "/{:path}"
            }
        }
    }

    /// The first `{name}` of a template that is no parameter of the path, where the path has any.
    package func unknownName(in template: String) -> String? {
        guard hasParameters else { return nil }
        let names = names
        var rest = template[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            let name = String(rest[rest.index(after: open)..<close])
            if !names.contains(name) { return name }
            rest = rest[rest.index(after: close)...]
        }
        return nil
    }
}
