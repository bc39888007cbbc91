package import NIOCore

/// Checks JSON documents and finds their top-level members, without making values of them.
package enum JSONScanner {
    /// Checks the whole document (as strict as `JSONValue.init(parsing:)`) in one pass; nil when it is valid JSON but
    /// not an object.
    package static func members(of document: ByteBuffer) throws(JSONError) -> JSONMembers? {
        let scanned = document.withUnsafeReadableBytes { bytes in
            Result { () throws(JSONError) in try entries(of: bytes) }
        }
        guard let entries = try scanned.get() else { return nil }
        return JSONMembers(document: document, entries: entries)
    }

    /// Checks that the readable bytes are one JSON document of any kind.
    package static func validate(_ document: ByteBuffer) throws(JSONError) {
        let checked = document.withUnsafeReadableBytes { bytes in
            Result { () throws(JSONError) in
                var reader = JSONReader(bytes)
                try reader.document { (reader) throws(JSONError) in try reader.skipValue(depth: 0) }
            }
        }
        try checked.get()
    }

    private static func entries(of bytes: UnsafeRawBufferPointer) throws(JSONError) -> [JSONMembers.Entry]? {
        var reader = JSONReader(bytes)
        return try reader.document { (reader) throws(JSONError) in
            guard reader.current == UInt8(ascii: "{") else {
                try reader.skipValue(depth: 0)
                return nil
            }
            var entries: [JSONMembers.Entry] = []
            // An envelope has six members.
            entries.reserveCapacity(6)
            try reader.object(depth: 0) { (reader, key) throws(JSONError) in
                let begin = reader.position
                try reader.skipValue(depth: 1)
                entries.append(JSONMembers.Entry(key: key, begin: begin, end: reader.position))
            }
            return entries
        }
    }
}
