import AgentModel
import Foundation

/// What the program writes to its terminal. Texts may come from scripts, files, clients and brokers, so no character of
/// them acts on the terminal.
enum Console {
    static func line(_ text: String) { write(text + "\n") }

    /// As it is but for what would act on a terminal.
    static func write(_ text: String) {
        FileHandle.standardOutput.write(Data(text.visible(keepingLines: true).utf8))
    }

    static func error(_ text: String) {
        FileHandle.standardError.write(Data((text.visible(keepingLines: true) + "\n").utf8))
    }
}
