import AgentScript
import AgentWorker

/// Which handlers of the scripts under test were called. Confined to the thread of its file.
final class CoverageTally: RunObserver {
    private var handlers: [String: [String: Bool]] = [:]

    /// A script has these handlers.
    func expect(_ labels: [String], of script: String) {
        for label in labels where handlers[script]?[label] == nil { handlers[script, default: [:]][label] = false }
    }

    func began(_ run: any ObservedRun) {
        guard let label = run.version.handlers.labels.first(where: { $0.function == run.function })?.label else {
            return
        }
        handlers[run.version.snapshot.path, default: [:]][label] = true
    }

    var report: [HandlerCoverage] {
        handlers.sorted { $0.key < $1.key }.map { script, handlers in
            HandlerCoverage(
                script: script, called: handlers.filter(\.value).keys.sorted(),
                missed: handlers.filter { !$0.value }.keys.sorted())
        }
    }
}
