/// A text is not JSON.
package struct JSONDecodingError: Error, Sendable {
    /// In the words of Python's `json` module, which FastAPI repeats: "Expecting ',' delimiter".
    package let message: String
    /// Where, in bytes from the beginning.
    package let offset: Int
}
