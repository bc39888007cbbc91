import AgentModel
package import LuaRuntime

/// A script that could not become an agent.
package struct ScriptFailure: Error, Sendable, CustomStringConvertible {
    /// `file:line: what is wrong`, on one line.
    package let message: String
    package let traceback: String?

    package init(_ message: String, traceback: String? = nil) {
        self.message = message
        self.traceback = traceback
    }

    package init(_ error: LuaError) {
        self.init(error.message, traceback: error.traceback)
    }

    /// The failure itself, or any other error in its words.
    package init(describing error: any Error) {
        self = error as? ScriptFailure ?? ScriptFailure(ErrorText.of(error))
    }

    package var description: String { message }
}
