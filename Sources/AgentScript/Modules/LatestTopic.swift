import LuaRuntime

/// The topic that a script sent to last: most send to the same one again, which then is neither read as text nor checked.
final class LatestTopic {
    private let isValid: (String) -> Bool
    private var bytes: [UInt8] = []
    private var text = ""

    init(_ isValid: @escaping (String) -> Bool) {
        self.isValid = isValid
    }

    /// The argument at the index, which is called `topic`; `complaint` says what is wrong with one that is not valid.
    func topic(
        _ index: Int32, _ arguments: Arguments, complaint: (String) -> String
    ) throws(LuaFailure) -> String {
        if !bytes.isEmpty, arguments.stack.isString(bytes, at: index) { return text }
        let topic = try arguments.string(index, "topic")
        guard isValid(topic) else { throw arguments.invalid("topic", complaint(topic)) }
        bytes = Array(topic.utf8)
        text = topic
        return topic
    }
}
