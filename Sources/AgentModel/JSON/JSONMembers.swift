package import NIOCore

/// The top-level members of a JSON object, as slices of its document: nothing is copied until it is asked for.
package struct JSONMembers: Sendable {
    /// Positions in bytes from the begin of the document.
    struct Entry: Sendable {
        let keyBegin: UInt32
        let keyEnd: UInt32
        let begin: UInt32
        let end: UInt32
        let keyHasEscapes: Bool

        init(key: JSONKey, begin: Int, end: Int) {
            // A ByteBuffer's indices are 32 bits wide.
            keyBegin = UInt32(truncatingIfNeeded: key.begin)
            keyEnd = UInt32(truncatingIfNeeded: key.end)
            self.begin = UInt32(truncatingIfNeeded: begin)
            self.end = UInt32(truncatingIfNeeded: end)
            keyHasEscapes = key.hasEscapes
        }
    }

    /// The whole document.
    package let document: ByteBuffer
    private let entries: [Entry]

    init(document: ByteBuffer, entries: [Entry]) {
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
            guard bytes[Int(entry.begin)] == UInt8(ascii: "\"") else { return nil }
            let raw = bytes[(Int(entry.begin) + 1)..<(Int(entry.end) - 1)]
            return JSONText.string(raw, hasEscapes: raw.contains(UInt8(ascii: "\\")))
        }
    }

    /// Whether the value of a member is `null`; false when there is none of that key.
    package func isNull(_ key: String) -> Bool {
        guard let entry = entry(of: key) else { return false }
        return document.withUnsafeReadableBytes { $0[Int(entry.begin)] == UInt8(ascii: "n") }
    }

    private func entry(of key: String) -> Entry? {
        document.withUnsafeReadableBytes { bytes in
            entries.last { entry in
                let raw = bytes[Int(entry.keyBegin)..<Int(entry.keyEnd)]
                return JSONText.string(raw, hasEscapes: entry.keyHasEscapes, equals: key)
            }
        }
    }

    private func slice(_ entry: Entry) -> ByteBuffer? {
        document.getSlice(at: document.readerIndex + Int(entry.begin), length: Int(entry.end - entry.begin))
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
            let key = members.document.withUnsafeReadableBytes { bytes in
                JSONText.string(
                    bytes[Int(entry.keyBegin)..<Int(entry.keyEnd)], hasEscapes: entry.keyHasEscapes)
            }
            return members.slice(entry).map { (key, $0) }
        }
    }

    package func makeIterator() -> Iterator { Iterator(self) }
}
