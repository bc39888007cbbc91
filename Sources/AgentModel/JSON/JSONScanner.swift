internal import CJSON
package import NIOCore

/// Checks JSON documents and finds their top-level members, without making values of them.
package enum JSONScanner {
    /// Checks the whole document (as strict as `JSONValue.init(parsing:)`) in one pass; nil when it is valid JSON but
    /// not an object.
    package static func members(of document: ByteBuffer) throws(JSONError) -> JSONMembers? {
        var error = cj_error()
        var kind = CJ_FAILED
        // An envelope has six members.
        var room = 8
        while true {
            var count = 0
            let entries = document.withUnsafeReadableBytes { bytes in
                [cj_member](unsafeUninitializedCapacity: room) { entries, length in
                    kind = cj_members(bytes.characters, bytes.count, entries.baseAddress, room, &count, &error)
                    length = kind == CJ_OBJECT ? min(count, room) : 0
                }
            }
            if kind == CJ_FAILED { throw JSONError(error) }
            if kind == CJ_OTHER { return nil }
            if count <= room { return JSONMembers(document: document, entries: entries) }
            room = count
        }
    }

    /// Checks that the readable bytes are one JSON document of any kind.
    package static func validate(_ document: ByteBuffer) throws(JSONError) {
        var error = cj_error()
        let isValid = document.withUnsafeReadableBytes { cj_check($0.characters, $0.count, &error) }
        if !isValid { throw JSONError(error) }
    }
}
