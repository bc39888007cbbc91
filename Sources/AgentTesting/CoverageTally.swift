/// Which handlers of the scripts under test were called. Confined to the thread of its file.
final class CoverageTally {
    private var handlers: [String: [String: Bool]] = [:]

    /// A script has these handlers.
    func expect(_ labels: [String], of script: String) {
        for label in labels where handlers[script]?[label] == nil { handlers[script, default: [:]][label] = false }
    }

    func called(_ label: String, of script: String) {
        handlers[script, default: [:]][label] = true
    }

    var report: [HandlerCoverage] {
        handlers.sorted { $0.key < $1.key }.map { script, handlers in
            HandlerCoverage(
                script: script, called: handlers.filter(\.value).keys.sorted(),
                missed: handlers.filter { !$0.value }.keys.sorted())
        }
    }
}
