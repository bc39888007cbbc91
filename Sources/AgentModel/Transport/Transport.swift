package import NIOCore

/// A host's clients of one broker, for all its workers. From any thread, but where it is said otherwise.
///
/// Its life: it is made, with nothing subscribed to; gives each worker its outlet; is told what to subscribe to, any number
/// of times; and ends by `pauseIntake`, `stopIntake` and `stop`, in this order, of which the first may be left out. Where it
/// takes the place of another one, that one's intake is stopped before this one is told what to subscribe to, and the rest
/// of it once all workers send by this one.
package protocol Transport: AnyObject, Sendable {
    /// Where the records of a worker leave. On the worker's loop.
    func outlet(of worker: WorkerSeat) -> any Outlet

    /// Subscribes to these topics and to no others.
    ///
    /// - Parameter sends: whether scripts send here, or may: then it connects although nothing is subscribed to.
    /// - Throws: for a topic or filter that it does not take; then nothing changes.
    func subscribe(to topics: SubscribedTopics, sends: Bool) throws

    /// Succeeds once what is sent to its topics reaches the host, or the time is over. At once where a broker keeps what
    /// comes early.
    func subscribed(within limit: TimeAmount, on loop: any EventLoop) -> EventLoopFuture<Void>

    /// From now on no message is handed to a worker.
    func pauseIntake()

    /// Acknowledges what is settled, and takes in nothing more. Records are still sent.
    func stopIntake() async

    /// Sends what waits to be sent, but not for ever, and leaves.
    func stop() async

    /// What waits for a worker at this moment. On the worker's loop.
    func backlog(of worker: WorkerSeat) -> TransportBacklog

    /// Records of all workers that are neither acknowledged nor failed; nil: they are each worker's own (`backlog`).
    var unsettled: Int? { get }
}
