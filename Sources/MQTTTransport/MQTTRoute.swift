package import AgentModel
package import NIOCore

/// Where the messages of a topic go: the loop of a worker, and who takes them there.
package struct MQTTRoute: Sendable {
    let receiver: NIOLoopBound<any MessageReceiver>
    let eventLoop: any EventLoop

    /// - Parameter receiver: bound to `eventLoop`, on which every message is handed over.
    package init(eventLoop: any EventLoop, receiver: NIOLoopBound<any MessageReceiver>) {
        self.eventLoop = eventLoop
        self.receiver = receiver
    }
}
