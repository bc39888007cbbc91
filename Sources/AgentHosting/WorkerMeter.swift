import CoreMetrics
import NIOCore

/// Measures a worker's loop from within: how late a timer runs, once a second, and every few seconds what waits there.
/// Confined to that loop.
final class WorkerMeter {
    /// Seconds between two samples.
    static let samplesEvery = 5

    private let loop: any EventLoop
    private let delay: any TimerHandler
    private let sample: () -> Void
    private var ticks = 0
    private var timer: Scheduled<Void>?

    /// `delay` gets how late each tick came; `sample` is called at once, and then every `samplesEvery` seconds.
    init(loop: any EventLoop, delay: any TimerHandler, sample: @escaping () -> Void) {
        loop.preconditionInEventLoop()
        self.loop = loop
        self.delay = delay
        self.sample = sample
        sample()
        schedule()
    }

    private func schedule() {
        let due = loop.now + .seconds(1)
        timer = loop.assumeIsolated().scheduleTask(deadline: due) { [weak self] in self?.tick(due) }
    }

    private func tick(_ due: NIODeadline) {
        delay.recordNanoseconds(max(0, (loop.now - due).nanoseconds))
        ticks += 1
        if ticks % Self.samplesEvery == 0 { sample() }
        schedule()
    }

    func stop() {
        loop.preconditionInEventLoop()
        timer?.cancel()
        timer = nil
    }
}
