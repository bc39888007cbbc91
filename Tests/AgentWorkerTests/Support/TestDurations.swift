import CoreMetrics
import Synchronization

/// A backend that keeps the timers of handlers, by their dimensions.
final class TestDurations: MetricsFactory {
    final class Entry: TimerHandler {
        let name: String
        private let records = Mutex<[Int64]>([])

        init(name: String) {
            self.name = name
        }

        var count: Int { records.withLock { $0.count } }

        func recordNanoseconds(_ duration: Int64) { records.withLock { $0.append(duration) } }
    }

    private let entries = Mutex<(live: [Entry], made: Int)>(([], 0))

    /// How many have been asked for.
    var made: Int { entries.withLock { $0.made } }

    /// The handlers that are measured, as `kind/handler/version`.
    var names: Set<String> { Set(entries.withLock { $0.live.map(\.name) }) }

    /// How often a handler has run: all its versions.
    func count(_ kind: String, _ handler: String) -> Int {
        entries.withLock { $0.live }.filter { $0.name.hasPrefix("\(kind)/\(handler)/") }.reduce(0) { $0 + $1.count }
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let values = Dictionary(uniqueKeysWithValues: dimensions)
        let name = ["kind", "handler", "version"].map { values[$0] ?? "" }.joined(separator: "/")
        let entry = Entry(name: name)
        entries.withLock {
            $0.live.append(entry)
            $0.made += 1
        }
        return entry
    }

    func destroyTimer(_ handler: any TimerHandler) {
        entries.withLock { $0.live.removeAll { $0 === handler } }
    }

    // Of handlers only durations are measured.
    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        NOOPMetricsHandler.instance
    }
    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        NOOPMetricsHandler.instance
    }
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
}
