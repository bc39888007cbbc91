import AgentModel
import NIOCore

/// What a request says of the file that it wants: the version it has already, and the part that it needs.
struct FileConditions: Sendable {
    /// `If-Match`, all fields of the name together.
    var ifMatch: String?
    var ifUnmodifiedSince: String?
    /// As `If-Match`.
    var ifNoneMatch: String?
    var ifModifiedSince: String?
    var range: String?
    var ifRange: String?

    init() {}

    init(_ head: RequestHead) {
        head.bytes.withUnsafeReadableBytes { bytes in
            func list(_ name: StaticString) -> String? {
                let values = RequestHeadText.values(of: name, in: bytes)
                return values.isEmpty ? nil : values.joined(separator: ",")
            }
            ifMatch = list("if-match")
            ifUnmodifiedSince = RequestHeadText.values(of: "if-unmodified-since", in: bytes).last
            ifNoneMatch = list("if-none-match")
            ifModifiedSince = RequestHeadText.values(of: "if-modified-since", in: bytes).last
            // RFC 9110 section 14.2: defined for GET alone.
            guard head.method == .get else { return }
            range = RequestHeadText.values(of: "range", in: bytes).last
            ifRange = RequestHeadText.values(of: "if-range", in: bytes).last
        }
    }

    /// What of the file is sent.
    enum Answer: Equatable, Sendable {
        case whole
        /// Bytes, never empty.
        case part(Range<Int>)
        case notModified
        /// It is another version than the one that was asked for.
        case changed
        /// The range begins behind the file's end.
        case unsatisfiable
    }

    /// In the order of RFC 9110 section 13.2.2.
    func answer(for version: FileVersion) -> Answer {
        if let ifMatch {
            if !Self.matches(ifMatch, version.tag, weakly: false) { return .changed }
        } else if let date = ifUnmodifiedSince.flatMap(HTTPDate.seconds), let modified = version.seconds,
            modified > date
        {
            return .changed
        }
        if let ifNoneMatch {
            if Self.matches(ifNoneMatch, version.tag, weakly: true) { return .notModified }
        } else if let date = ifModifiedSince.flatMap(HTTPDate.seconds), let modified = version.seconds, modified <= date
        {
            return .notModified
        }
        guard let range, let ifRange else { return range.map { part($0, of: version.size) } ?? .whole }
        // Section 13.1.5: the same version, to the byte, or else all of it.
        let isSame = ifRange.hasPrefix("\"") ? ifRange == version.tag : HTTPDate.seconds(ifRange) == version.seconds
        return isSame && version.seconds != nil ? part(range, of: version.size) : .whole
    }

    /// Weakly compared (section 8.8.3.2), `W/` makes no difference.
    private static func matches(_ list: String, _ tag: String, weakly: Bool) -> Bool {
        list.split(separator: ",").contains { entry in
            let entry = entry.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
            return entry == "*" || (weakly && entry.hasPrefix("W/") ? entry.dropFirst(2) : entry) == tag
        }
    }

    /// `bytes=0-99`, `bytes=100-`, `bytes=-100`. What is no range of bytes, and several ranges, which need not be
    /// answered (section 14.2), have the whole file.
    private func part(_ text: String, of size: Int) -> Answer {
        guard let equals = text.firstIndex(of: "="), text[..<equals].lowercased() == "bytes" else { return .whole }
        let bounds = text[text.index(after: equals)...].filter { $0 != " " && $0 != "\t" }
            .split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2, bounds.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            return .whole
        }
        // More digits than a number has mean a place beyond any file.
        let numbers = bounds.map { $0.isEmpty ? nil : Int($0) ?? .max }
        switch (numbers[0], numbers[1]) {
        case (nil, nil): return .whole
        case (nil, let last?):
            return last == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - last)..<size)
        case (let first?, let last):
            if let last, last < first { return .whole }
            guard first < size else { return .unsatisfiable }
            return .part(first..<(min(last ?? .max, size - 1) + 1))
        }
    }
}

/// Which version of a file there is.
struct FileVersion: Equatable, Sendable {
    /// In bytes.
    let size: Int
    /// When it was changed, in seconds since 1970; nil for what no date of HTTP can say.
    let seconds: Int?
    /// In quotes: another one with each change of the size or of the time, which file systems know to the nanosecond.
    let tag: String

    init(size: Int, seconds: Int, nanoseconds: Int) {
        self.size = size
        self.seconds = (0...HTTPDate.latest).contains(seconds) ? seconds : nil
        let time = UInt64(bitPattern: Int64(seconds)) &* 1_000_000_000 &+ UInt64(nanoseconds)
        tag = "\"\(String(size, radix: 16))-\(String(time, radix: 16))\""
    }
}
