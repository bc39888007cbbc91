import AgentScript

/// What is to be told of a handler that failed.
struct HandlerReport {
    let message: String
    let traceback: String?
    let handler: HandlerName
    let script: ScriptContext

    /// `traceback` is left out where it says no more than the message: its only frame is where the message begins.
    init(_ message: String, traceback: String? = nil, of script: ScriptContext, handler: HandlerName) {
        self.message = message
        self.traceback = traceback.flatMap { Self.says($0, moreThan: message) ? $0 : nil }
        self.handler = handler
        self.script = script
    }

    private static func says(_ traceback: String, moreThan message: String) -> Bool {
        let frames = traceback.split(separator: "\n").filter { $0.hasPrefix("\t") }
        guard frames.count == 1, let place = frames[0].dropFirst().firstRange(of: ": in ") else { return true }
        return !message.hasPrefix(frames[0].dropFirst()[..<place.lowerBound] + ":")
    }
}
