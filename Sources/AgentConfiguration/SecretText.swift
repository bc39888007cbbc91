import AgentModel

/// The rule by which the bytes of a key become its value.
enum SecretText {
    /// Why bytes are no value; names the place and the remedy.
    struct Problem: Error {
        let text: String
    }

    /// The bytes as UTF-8 without the newlines at their end, which editors and `echo` leave.
    static func value(_ bytes: [UInt8], at place: String) -> Result<Secret, Problem> {
        var bytes = bytes[...]
        while let last = bytes.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard !bytes.isEmpty else {
            return .failure(Problem(text: "\(place) is empty: write the value, or remove the key"))
        }
        guard let text = String(validating: bytes, as: UTF8.self), !text.contains("\0") else {
            return .failure(Problem(text: "\(place) is not UTF-8 text: write the value as text, without encoding it"))
        }
        return .success(Secret(text))
    }
}
