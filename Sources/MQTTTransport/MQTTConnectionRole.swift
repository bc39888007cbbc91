import NIOCore

/// What one side does with its connection: the subscriber reads and acknowledges, the publisher publishes.
///
/// Made and called on the connection's thread only.
protocol MQTTConnectionRole: AnyObject {
    /// False: the broker keeps a session under the client id.
    var cleanSession: Bool { get }
    /// False: there is nothing to be connected for, yet or any more.
    var isReady: Bool { get }

    func connected(sessionPresent: Bool)
    /// Queues what is due. Throws to give the connection up.
    func advance(_ client: MosquittoClient, now: NIODeadline) throws(MQTTError)
    /// Whether packets may be read from the socket now.
    func mayRead(_ client: MosquittoClient) -> Bool
    /// Whether what is queued may be written to the socket now.
    var mayWrite: Bool { get }
    /// Everything that was queued has been written.
    func didWrite()
    /// Packets were read: hands on what they brought.
    func didRead()
    /// True when `advance` has more to queue at once.
    var hasMore: Bool { get }
    /// When `advance` must be called next, whatever happens; nil: when something happens.
    var deadline: NIODeadline? { get }
    /// True when nothing is left that a stop should wait for.
    var isIdle: Bool { get }
    /// The connection is gone, or was never made.
    func closed()
    /// There will be no other connection.
    func finished()

    func received(topic: UnsafePointer<CChar>, payload: UnsafeRawBufferPointer, qos: Int, retain: Bool)
    func published(messageID: Int32)
    func subscribed(messageID: Int32, refused: Bool)
    func unsubscribed(messageID: Int32)
}
