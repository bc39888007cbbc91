internal import CJSON

/// Why a document is not JSON (RFC 8259), in the words of Python's `json` module where that has a like.
package struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    /// For example `Expecting value` or `Extra data`; never a part of the document.
    package let message: String
    /// Position of the fault in the document, in bytes from its begin.
    package let offset: Int
    /// The document is not UTF-8, wherever else it may be wrong too.
    package let isUTF8Error: Bool

    package init(message: String, offset: Int, isUTF8Error: Bool = false) {
        self.message = message
        self.offset = offset
        self.isUTF8Error = isUTF8Error
    }

    init(_ error: cj_error) {
        self.init(
            message: String(cString: error.message), offset: error.offset, isUTF8Error: error.is_utf8_error)
    }

    package var description: String {
        message.hasSuffix(" at") ? "\(message) byte \(offset)" : "\(message) at byte \(offset)"
    }
}
