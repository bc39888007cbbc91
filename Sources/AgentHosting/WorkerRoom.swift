import AgentAPI
import AgentMetrics
import AgentModel
import AgentWorker
import NIOCore

/// One worker with its server, confined to one event loop, and what it is connected to.
final class WorkerRoom: @unchecked Sendable {
    let worker: Worker
    let server: AgentServer
    /// What it is connected to, by name.
    private var transports: [TransportName: any Transport] = [:]
    private var meter: WorkerMeter?

    /// On the worker's loop.
    init(worker: Worker, server: AgentServer) {
        self.worker = worker
        self.server = server
        worker.connect(server.hub)
    }

    var loop: any EventLoop { worker.loop }

    /// The worker as transports know it.
    var seat: WorkerSeat {
        WorkerSeat(index: worker.index, eventLoop: loop, receiver: NIOLoopBound(worker, eventLoop: loop))
    }

    /// From now on the worker sends by this transport what goes to its broker.
    func connect(_ name: TransportName, _ transport: any Transport) {
        loop.preconditionInEventLoop()
        transports[name] = transport
        worker.connect(name, transport.outlet(of: seat))
    }

    // MARK: Measuring

    /// From now on, until the host's metrics or the worker are gone.
    func beginMeasuring(_ metrics: HostMetrics) {
        loop.preconditionInEventLoop()
        let delay = metrics.registry.makeTimer(
            label: HostMetrics.loopDelay, dimensions: [("worker", "\(worker.index)")])
        meter = WorkerMeter(loop: loop, delay: delay) { [weak self, weak metrics] in
            if let self { metrics?.take(sample()) }
        }
    }

    func stopMeasuring() {
        loop.preconditionInEventLoop()
        meter?.stop()
        meter = nil
    }

    private func sample() -> WorkerSample {
        let backlogs = transports.values.map { $0.backlog(of: seat) }
        return WorkerSample(
            worker: worker.index, taken: .now(), figures: worker.figures(),
            partitions: backlogs.flatMap(\.partitions), queuedRecords: backlogs.lazy.compactMap(\.queuedRecords).first,
            queueCapacity: backlogs.lazy.compactMap(\.queueCapacity).first)
    }

    // MARK: Stop

    func beginStop() {
        loop.preconditionInEventLoop()
        server.beginStop()
    }
}
