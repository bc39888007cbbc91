package import CoreMetrics
import Synchronization

/// A swift-metrics backend that keeps what it is told in memory and renders it in Prometheus' text format 0.0.4.
///
/// Metrics are made once for a label and its dimensions and then updated without a lock: a counter is one atomic addition,
/// a timer two.
package final class PrometheusRegistry: MetricsFactory, Sendable {
    /// What a label's metrics are, for `# HELP`.
    private let help: [String: String]
    private let families = Mutex<[String: Family]>([:])

    struct Family {
        var kind: Kind
        /// By labels, as they are written.
        var series: [String: Entry] = [:]
    }

    struct Entry {
        let series: any PrometheusSeries
        /// How often it was asked for, less how often it was let go.
        var uses = 0
    }

    enum Kind: String { case counter, gauge, histogram }

    package init(help: [String: String]) {
        self.help = help
    }

    // MARK: MetricsFactory

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, .counter) { PrometheusCounter() }
    }

    package func makeFloatingPointCounter(label: String, dimensions: [(String, String)])
        -> any FloatingPointCounterHandler
    {
        series(label, dimensions, .counter) { PrometheusValue() }
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, .gauge) { PrometheusValue() }
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate { return series(label, dimensions, .histogram) { PrometheusHistogram() } }
        return series(label, dimensions, .gauge) { PrometheusValue() }
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, .histogram) { PrometheusHistogram() }
    }

    // What has been counted stays: a counter that disappears between two scrapes would look like a restart. Not so a timer,
    // of which a script version has one for each of its handlers: it is gone when all who asked for it have let it go.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}

    package func destroyTimer(_ handler: any TimerHandler) {
        families.withLock { families in
            for label in families.keys {
                guard let (labels, entry) = families[label]?.series.first(where: { $0.value.series === handler }) else {
                    continue
                }
                families[label]?.series[labels] =
                    entry.uses > 1 ? Entry(series: entry.series, uses: entry.uses - 1) : nil
                return
            }
        }
    }

    private func series<Series: PrometheusSeries>(
        _ label: String, _ dimensions: [(String, String)], _ kind: Kind, _ make: () -> Series
    ) -> Series {
        let labels = PrometheusText.labels(dimensions)
        return families.withLock { families in
            if let known = families[label]?.series[labels]?.series as? Series {
                families[label]?.series[labels]?.uses += 1
                return known
            }
            let made = make()
            // The first use of a label decides what it is: one of another kind is counted, and not shown.
            if families[label, default: Family(kind: kind)].kind == kind {
                families[label, default: Family(kind: kind)].series[labels] = Entry(series: made, uses: 1)
            }
            return made
        }
    }

    // MARK: Observed values

    /// Values that are read when the metrics are asked for: for what is counted elsewhere already. Of two with the same
    /// dimensions the later one is shown. Called again for a label, it takes the place of the call before.
    package func observe(_ label: String, isCounter: Bool, _ read: @escaping @Sendable () -> [Observation]) {
        families.withLock { families in
            families[label] = Family(
                kind: isCounter ? .counter : .gauge, series: ["": Entry(series: ObservedValues(read))])
        }
    }

    /// As `observe`, for histograms with these upper bounds.
    package func observeHistograms(
        _ label: String, bounds: [Double], _ read: @escaping @Sendable () -> [HistogramObservation]
    ) {
        families.withLock { families in
            families[label] = Family(
                kind: .histogram, series: ["": Entry(series: ObservedHistograms(bounds: bounds, read))])
        }
    }

    // MARK: Text

    /// Everything, in Prometheus' text format.
    package func text() -> String {
        let families = families.withLock { $0 }
        var text = ""
        for (label, family) in families.sorted(by: { $0.key < $1.key }) {
            var lines = ""
            for (labels, entry) in family.series.sorted(by: { $0.key < $1.key }) {
                entry.series.write(label, labels, to: &lines)
            }
            if lines.isEmpty { continue }
            text += "# HELP \(label) \(help[label] ?? label.replacing("_", with: " "))\n"
            text += "# TYPE \(label) \(family.kind.rawValue)\n"
            text += lines
        }
        return text
    }
}
