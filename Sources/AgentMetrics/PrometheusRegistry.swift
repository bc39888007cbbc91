package import CoreMetrics
import Synchronization

/// A swift-metrics backend that keeps what it is told in memory and renders it in Prometheus' text format 0.0.4.
///
/// Metrics are made once for a label and its dimensions and then updated without a lock on the registry; a counter is one
/// atomic addition, a timer three.
package final class PrometheusRegistry: MetricsFactory, Sendable {
    /// What a label's metrics are, for `# HELP`.
    private let help: [String: String]
    private let families = Mutex<[String: Family]>([:])

    struct Family {
        var kind: Kind
        var series: [String: any PrometheusSeries] = [:]
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

    // What has been counted stays: a counter that disappears between two scrapes would look like a restart.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    private func series<Series: PrometheusSeries>(
        _ label: String, _ dimensions: [(String, String)], _ kind: Kind, _ make: () -> Series
    ) -> Series {
        let labels = PrometheusText.labels(dimensions)
        return families.withLock { families in
            if let known = families[label]?.series[labels] as? Series { return known }
            let made = make()
            // The first use of a label decides what it is: one of another kind is counted, and not shown.
            if families[label, default: Family(kind: kind)].kind == kind {
                families[label, default: Family(kind: kind)].series[labels] = made
            }
            return made
        }
    }

    /// Forgets the series of a label which have a dimension of that value: a script version that has left.
    package func forget(_ label: String, where name: String, is value: String) {
        let part = PrometheusText.label(name, value)
        families.withLock { families in
            for key in families[label]?.series.keys ?? [:].keys where key.contains(part) {
                families[label]?.series[key] = nil
            }
        }
    }

    // MARK: Observed values

    /// A value that is read when the metrics are asked for: for what is counted elsewhere already.
    package func observe(
        _ label: String, _ dimensions: [(String, String)] = [], isCounter: Bool,
        _ read: @escaping @Sendable () -> Double?
    ) {
        let labels = PrometheusText.labels(dimensions)
        families.withLock { families in
            families[label, default: Family(kind: isCounter ? .counter : .gauge)].series[labels] = ObservedValue(read)
        }
    }

    // MARK: Text

    /// Everything, in Prometheus' text format.
    package func text() -> String {
        let families = families.withLock { $0 }
        var text = ""
        for (label, family) in families.sorted(by: { $0.key < $1.key }) {
            var lines = ""
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                series.write(label, labels, to: &lines)
            }
            if lines.isEmpty { continue }
            text += "# HELP \(label) \(help[label] ?? label.replacing("_", with: " "))\n"
            text += "# TYPE \(label) \(family.kind.rawValue)\n"
            text += lines
        }
        return text
    }
}

/// One line, or one histogram, of a family.
protocol PrometheusSeries: AnyObject, Sendable {
    func write(_ name: String, _ labels: String, to text: inout String)
}
