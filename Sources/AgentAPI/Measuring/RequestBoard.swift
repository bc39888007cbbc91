import Synchronization

/// What all loops have counted of their requests, to be read from any thread. A loop adds a series when it first has one,
/// and from then on counts in it without a lock.
package final class RequestBoard: Sendable {
    /// Upper bounds of the durations' buckets, in seconds.
    package static let bounds: [Double] = [
        0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]

    /// Which requests: of a route by its template, never by what was asked for.
    package struct Kind: Hashable, Sendable {
        package let route: String
        package let method: String
    }

    /// Requests of one kind that were answered with one status.
    package struct Total: Sendable {
        package let kind: Kind
        package let status: Int
        package fileprivate(set) var count: Int
    }

    /// How long requests of one kind took.
    package struct Durations: Sendable {
        package let kind: Kind
        /// How many there are in each bucket alone; one more than the bounds.
        package fileprivate(set) var buckets: [Int]
        /// Seconds.
        package fileprivate(set) var sum: Double
    }

    private struct Series {
        var answers: [(kind: Kind, status: Int, count: LoopCount)] = []
        var durations: [(kind: Kind, durations: LoopDurations)] = []
    }

    private let series = Mutex(Series())

    package init() {}

    func add(_ count: LoopCount, of kind: Kind, status: Int) {
        series.withLock { $0.answers.append((kind, status, count)) }
    }

    func add(_ durations: LoopDurations, of kind: Kind) {
        series.withLock { $0.durations.append((kind, durations)) }
    }

    // MARK: Reading

    /// Over all loops.
    package func totals() -> [Total] {
        var totals: [Kind: [Int: Total]] = [:]
        for (kind, status, count) in series.withLock({ $0.answers }) {
            totals[kind, default: [:]][status, default: Total(kind: kind, status: status, count: 0)].count +=
                count.current
        }
        return totals.values.flatMap(\.values)
    }

    /// Over all loops.
    package func durations() -> [Durations] {
        var all: [Kind: Durations] = [:]
        for (kind, series) in series.withLock({ $0.durations }) {
            var sum =
                all[kind]
                ?? Durations(
                    kind: kind, buckets: Array(repeating: 0, count: Self.bounds.count + 1), sum: 0)
            for (index, bucket) in series.buckets.enumerated() { sum.buckets[index] += bucket.current }
            sum.sum += Double(series.nanoseconds.current) / 1e9
            all[kind] = sum
        }
        return Array(all.values)
    }
}

/// A count that one loop writes and every thread may read.
final class LoopCount: Sendable {
    private let count = Atomic<Int>(0)

    var current: Int { count.load(ordering: .relaxed) }

    /// On the loop: two plain moves, as nobody else writes.
    func add(_ amount: Int = 1) { count.store(current &+ amount, ordering: .relaxed) }
}

/// Durations that one loop counts in buckets.
final class LoopDurations: Sendable {
    private static let bounds = RequestBoard.bounds.map { Int64($0 * 1e9) }

    /// One more than the bounds: the last takes what is above all of them.
    let buckets = (0...bounds.count).map { _ in LoopCount() }
    let nanoseconds = LoopCount()

    func add(_ duration: Int64) {
        var bucket = 0
        while bucket < Self.bounds.count, duration > Self.bounds[bucket] { bucket += 1 }
        buckets[bucket].add()
        nanoseconds.add(Int(duration))
    }
}
