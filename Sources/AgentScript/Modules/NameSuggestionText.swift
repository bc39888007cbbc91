import AgentModel

/// " (did you mean 'x'?)", or nothing.
enum NameSuggestionText {
    static func of(_ name: String, among names: [String]) -> String {
        NameSuggestion.nearest(name, among: names).map { " (did you mean '\($0)'?)" } ?? ""
    }
}
