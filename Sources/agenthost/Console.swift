import AgentHosting
import AgentModel
import Foundation

/// What the program writes to its terminal. Texts may come from scripts, files, clients and brokers, so no character of
/// them acts on the terminal.
enum Console {
    static func line(_ text: String) { write(text + "\n") }

    /// In colours where standard output is a terminal that shows them, and at once.
    ///
    /// - Parameter afterKey: over what a terminal shows of a key that was pressed.
    static func lines(_ lines: [ConsoleLine], afterKey: Bool = false) {
        let isStyled = hasStyles(STDOUT_FILENO)
        let start = afterKey && isatty(STDOUT_FILENO) == 1 ? "\r" : ""
        StandardStream.output.put(lines.reduce(into: start) { $0 += $1.text(styled: isStyled) + "\n" })
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
        StandardStream.output.put(text.visible(keepingLines: true))
    }

    static func error(_ text: String) {
        StandardStream.error.put(text.visible(keepingLines: true) + "\n")
    }
}
