import AgentModel
import NIOCore

/// The messages of one read burst for one loop. Filled on the connection's thread, then handed to the loop, on which it
/// stays.
final class MQTTBatch: @unchecked Sendable {
    let eventLoop: any EventLoop
    let session: MQTTSessionState
    private var messages: [(message: MQTTMessage, receiver: NIOLoopBound<any MessageReceiver>)] = []
    /// Messages of QoS 1 and 2 that are not yet acknowledged.
    private var unsettled = 0
    private var held = 0

    init(eventLoop: any EventLoop, session: MQTTSessionState) {
        self.eventLoop = eventLoop
        self.session = session
    }

    /// On the connection's thread, before `deliver`.
    func append(_ message: MQTTMessage, for receiver: NIOLoopBound<any MessageReceiver>) {
        messages.append((message, receiver))
        if message.isSettled {
            unsettled += 1
            held += 1
        }
    }

    /// The end of the thread's part.
    func deliver() {
        eventLoop.execute { [self] in
            let messages = self.messages
            self.messages = []
            for (message, receiver) in messages { receiver.value.receive(message) }
        }
    }

    /// A message of QoS 1 or 2 is settled. One word to the thread when all are.
    func settleOne() {
        eventLoop.assertInEventLoop()
        unsettled -= 1
        if unsettled == 0 { session.settle(held) }
    }
}
