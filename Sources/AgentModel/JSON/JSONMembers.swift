internal import CJSON
package import NIOCore

/// The top-level members of a JSON object, as slices of its document: nothing is copied until it is asked for.
package struct JSONMembers: Sendable {
    /// The whole document.
    package let document: ByteBuffer
    /// Positions in bytes from its begin.
    private let entries: [cj_member]

    init(document: ByteBuffer, entries: [cj_member]) {
        self.document = document
        self.entries = entries
    }

    /// How many members there are, equal keys counted each time.
    package var count: Int { entries.count }

    /// The value of a member, valid JSON without white space around it; nil for none. The last of equal keys wins.
    package subscript(key: String) -> ByteBuffer? {
        entry(of: key).flatMap(slice)
    }

    /// The value of a member that is a string; nil when there is none of that key, or it is not a string.
    package func string(_ key: String) -> String? {
        guard let entry = entry(of: key) else { return nil }
        return document.withUnsafeReadableBytes { bytes in
            guard bytes[entry.begin] == UInt8(ascii: "\"") else { return nil }
            var text = cj_text(begin: entry.begin + 1, end: entry.end - 1, has_escapes: false)
            text.has_escapes = bytes[text.begin..<text.end].contains(UInt8(ascii: "\\"))
            return text.string(in: bytes)
        }
    }

    /// Whether the value of a member is `null`; false when there is none of that key.
    package func isNull(_ key: String) -> Bool {
        guard let entry = entry(of: key) else { return false }
        return document.withUnsafeReadableBytes { $0[entry.begin] == UInt8(ascii: "n") }
    }

    private func entry(of key: String) -> cj_member? {
        document.withUnsafeReadableBytes { bytes in entries.last { $0.key.isEqual(to: key, in: bytes) } }
    }

    private func slice(_ entry: cj_member) -> ByteBuffer? {
        document.getSlice(at: document.readerIndex + entry.begin, length: entry.end - entry.begin)
    }
}

extension JSONMembers: Sequence {
    /// Walks through the members in the order of the document, equal keys each time.
    package struct Iterator: IteratorProtocol {
        private let members: JSONMembers
        private var position = 0

        init(_ members: JSONMembers) {
            self.members = members
        }

        package mutating func next() -> (key: String, value: ByteBuffer)? {
            guard position < members.entries.count else { return nil }
            let entry = members.entries[position]
            position += 1
            let key = members.document.withUnsafeReadableBytes { entry.key.string(in: $0) }
            return members.slice(entry).map { (key, $0) }
        }
    }

    package func makeIterator() -> Iterator { Iterator(self) }
}
