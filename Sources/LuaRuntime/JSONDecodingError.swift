/// A text has not become a Lua value.
package struct JSONDecodingError: Error, Sendable {
    /// What is wrong with the text, in the words of Python's `json` module, which FastAPI repeats: "Expecting ','
    /// delimiter". With a `refusal` its message.
    package let message: String
    /// Where, in bytes from the beginning.
    package let offset: Int
    /// The text is not UTF-8, wherever else it may be wrong too.
    package let isUTF8Error: Bool
    /// Set when nothing is wrong with the text, but the script's memory, its time or its stack is not enough for the
    /// value.
    package let refusal: LuaError?

    /// The text is not JSON.
    init(message: String, offset: Int, isUTF8Error: Bool) {
        self.message = message
        self.offset = offset
        self.isUTF8Error = isUTF8Error
        refusal = nil
    }

    init(refusal: LuaError) {
        message = refusal.message
        offset = 0
        isUTF8Error = false
        self.refusal = refusal
    }
}
