import AgentHosting
import AgentModel
import Foundation

/// What the program writes to its terminal. Texts may come from scripts, files, clients and brokers, so no character of
/// them acts on the terminal.
enum Console {
    static func line(_ text: String) { write(text + "\n") }

    /// In colours where standard output is a terminal that shows them.
    static func line(_ line: ConsoleLine) {
        FileHandle.standardOutput.write(Data((line.text(styled: hasStyles(STDOUT_FILENO)) + "\n").utf8))
    }

    /// On a terminal, over what it shows of a key that was pressed.
    static func beginLine() {
        if isatty(STDOUT_FILENO) == 1 { FileHandle.standardOutput.write(Data("\r".utf8)) }
    }

    /// Whether what is written there is seen by a person who wants colours: <https://no-color.org>.
    static func hasStyles(_ descriptor: Int32) -> Bool {
        let environment = ProcessInfo.processInfo.environment
        let terminal = environment["TERM"] ?? ""
        return isatty(descriptor) == 1 && !terminal.isEmpty && terminal != "dumb"
            && (environment["NO_COLOR"] ?? "").isEmpty
    }

    /// As it is but for what would act on a terminal.
    static func write(_ text: String) {
        FileHandle.standardOutput.write(Data(text.visible(keepingLines: true).utf8))
    }

    static func error(_ text: String) {
        FileHandle.standardError.write(Data((text.visible(keepingLines: true) + "\n").utf8))
    }
}
