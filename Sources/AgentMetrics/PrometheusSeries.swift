import CoreMetrics
import Synchronization

/// One line of a family, one histogram, or the lines of what is observed.
protocol PrometheusSeries: AnyObject, Sendable {
    func write(_ name: String, _ labels: String, to text: inout String)
}

/// A count that only goes up.
final class PrometheusCounter: PrometheusSeries, CounterHandler {
    private let count = Atomic<Int64>(0)

    var current: Int64 { count.load(ordering: .relaxed) }

    func increment(by amount: Int64) { count.wrappingAdd(amount, ordering: .relaxed) }

    func reset() { count.store(0, ordering: .relaxed) }

    func write(_ name: String, _ labels: String, to text: inout String) {
        text += "\(name)\(PrometheusText.braces(labels)) \(current)\n"
    }
}

/// A value that goes up and down, or a count with a fraction.
final class PrometheusValue: PrometheusSeries, MeterHandler, RecorderHandler, FloatingPointCounterHandler {
    private let bits = Atomic<UInt64>(0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func increment(by amount: Double) { add(amount) }
    func decrement(by amount: Double) { add(-amount) }
    func reset() { set(0.0) }

    private func add(_ amount: Double) {
        var known = bits.load(ordering: .relaxed)
        while true {
            let sum = (Double(bitPattern: known) + amount).bitPattern
            let (done, now) = bits.weakCompareExchange(expected: known, desired: sum, ordering: .relaxed)
            if done { return }
            known = now
        }
    }

    func write(_ name: String, _ labels: String, to text: inout String) {
        let value = Double(bitPattern: bits.load(ordering: .relaxed))
        text += "\(name)\(PrometheusText.braces(labels)) \(PrometheusText.number(value))\n"
    }
}

/// Durations or sizes, counted in buckets. Durations are kept in nanoseconds and shown in seconds.
final class PrometheusHistogram: PrometheusSeries, TimerHandler, RecorderHandler {
    /// Upper bounds in seconds.
    static let bounds: [Double] = [
        0.000_01, 0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60,
    ]
    private static let nanoseconds = bounds.map { Int64($0 * 1e9) }

    /// One more than the bounds: the last takes what is above all of them.
    private let buckets = (0...bounds.count).map { _ in PrometheusCounter() }
    private let sum = Atomic<Int64>(0)

    func recordNanoseconds(_ duration: Int64) {
        let bucket = Self.nanoseconds.firstIndex { duration <= $0 } ?? Self.bounds.count
        buckets[bucket].increment(by: 1)
        sum.wrappingAdd(duration, ordering: .relaxed)
    }

    func record(_ value: Int64) { recordNanoseconds(value &* 1_000_000_000) }
    func record(_ value: Double) { recordNanoseconds(Int64(max(0, min(value, 1e9)) * 1e9)) }

    func write(_ name: String, _ labels: String, to text: inout String) {
        let seconds = Double(sum.load(ordering: .relaxed)) / 1e9
        text += PrometheusText.histogram(
            name, labels, bounds: Self.bounds, buckets: buckets.map { Int($0.current) }, sum: seconds)
    }
}

/// Histograms that are kept elsewhere and read when they are asked for.
final class ObservedHistograms: PrometheusSeries {
    private let bounds: [Double]
    private let read: @Sendable () -> [HistogramObservation]

    init(bounds: [Double], _ read: @escaping @Sendable () -> [HistogramObservation]) {
        self.bounds = bounds
        self.read = read
    }

    func write(_ name: String, _ labels: String, to text: inout String) {
        let all = Dictionary(read().map { (PrometheusText.labels($0.dimensions), $0) }) { $1 }
        for (labels, one) in all.sorted(by: { $0.key < $1.key }) {
            text += PrometheusText.histogram(name, labels, bounds: bounds, buckets: one.buckets, sum: one.sum)
        }
    }
}

/// Values that are kept elsewhere and read when they are asked for.
final class ObservedValues: PrometheusSeries {
    private let read: @Sendable () -> [Observation]

    init(_ read: @escaping @Sendable () -> [Observation]) {
        self.read = read
    }

    func write(_ name: String, _ labels: String, to text: inout String) {
        // Prometheus refuses a whole scrape in which two lines have the same labels.
        let values = Dictionary(read().map { (PrometheusText.labels($0.dimensions), $0.value) }) { $1 }
        for (labels, value) in values.sorted(by: { $0.key < $1.key }) {
            text += "\(name)\(PrometheusText.braces(labels)) \(PrometheusText.number(value))\n"
        }
    }
}
