/// A text has not become a Lua value.
package struct JSONDecodingError: Error, Sendable {
    /// What is wrong with the text, in the words of Python's `json` module, which FastAPI repeats: "Expecting ','
    /// delimiter". With a `refusal` its message.
    package let message: String
    /// Where, in bytes from the beginning.
    package let offset: Int
    /// Set when nothing is wrong with the text, but the script's memory, its time or its stack is not enough for the
    /// value.
    package let refusal: LuaError?

    /// The text is not JSON.
    init(message: String, offset: Int) {
        self.message = message
        self.offset = offset
        refusal = nil
    }

    init(refusal: LuaError) {
        message = refusal.message
        offset = 0
        self.refusal = refusal
    }
}
