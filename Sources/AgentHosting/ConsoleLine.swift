import AgentModel

/// A line for a person, in parts that a terminal may show each in its own way.
package struct ConsoleLine: Sendable, Equatable {
    package enum Style: String, Sendable {
        case strong, faint, good, warning, bad

        /// The parameter of the escape sequence that selects it (ECMA-48, section 8.3.117).
        fileprivate var code: String {
            switch self {
            case .strong: "1"
            case .faint: "2"
            case .good: "32"
            case .warning: "33"
            case .bad: "31"
            }
        }
    }

    private struct Part: Sendable, Equatable {
        var text: String
        var style: Style?
    }

    private var parts: [Part]

    package init(_ text: String, _ style: Style? = nil) {
        parts = [Part(text: text, style: style)]
    }

    package static func + (left: ConsoleLine, right: ConsoleLine) -> ConsoleLine {
        var line = left
        line.parts += right.parts
        return line
    }

    /// What is written. The texts may come from scripts and files, so that nothing of them acts on a terminal.
    package func text(styled: Bool = false) -> String {
        parts.map { part in
            let text = part.text.visible()
            guard styled, let style = part.style, !text.isEmpty else { return text }
            return "\u{1B}[\(style.code)m\(text)\u{1B}[0m"
        }.joined()
    }
}
