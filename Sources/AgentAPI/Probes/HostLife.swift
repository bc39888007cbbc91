import NIOCore
import Synchronization

/// What the probes of a host are answered from: how far the host is in its life, and when each of its loops last turned.
/// A probe is answered on one loop; of the others it knows what they have left here. From any thread.
package final class HostLife: Sendable {
    package enum Stage: Int, Sendable { case starting, ready, stopping }

    /// One loop's sign of life.
    final class Pulse: Sendable {
        /// Position in the host, from 0, in the order in which the loops were first heard of.
        let worker: Int
        private let last: Atomic<UInt64>

        fileprivate init(worker: Int, now: NIODeadline) {
            self.worker = worker
            last = Atomic(now.uptimeNanoseconds)
        }

        func beat(at now: NIODeadline = .now()) { last.store(now.uptimeNanoseconds, ordering: .relaxed) }

        fileprivate var lastBeat: NIODeadline { .uptimeNanoseconds(last.load(ordering: .relaxed)) }
    }

    /// A loop that has not turned for so long.
    struct Stall: Equatable {
        let worker: Int
        let silence: TimeAmount
    }

    private let current = Atomic<Int>(Stage.starting.rawValue)
    private let pulses = Mutex<[Pulse]>([])

    package init() {}

    package var stage: Stage { Stage(rawValue: current.load(ordering: .acquiring)) ?? .stopping }

    /// Everything accepts; once it stops, a host stays what it is.
    package func isReady() {
        _ = current.compareExchange(
            expected: Stage.starting.rawValue, desired: Stage.ready.rawValue, ordering: .acquiringAndReleasing)
    }

    func stops() { current.store(Stage.stopping.rawValue, ordering: .releasing) }

    // MARK: Loops

    /// The loop has to be heard of from now on, until its pulse is forgotten.
    func addPulse(at now: NIODeadline = .now()) -> Pulse {
        pulses.withLock { pulses in
            let pulse = Pulse(worker: pulses.count, now: now)
            pulses.append(pulse)
            return pulse
        }
    }

    func forget(_ pulse: Pulse) {
        pulses.withLock { $0.removeAll { $0 === pulse } }
    }

    /// The loops that have been silent for longer than the limit.
    func stalls(longerThan limit: TimeAmount, at now: NIODeadline = .now()) -> [Stall] {
        pulses.withLock { pulses in
            pulses.map { Stall(worker: $0.worker, silence: now - $0.lastBeat) }.filter { $0.silence > limit }
        }
    }
}
