import AgentModel
import NIOCore
import Synchronization

/// Publications on their way from the loops to the publisher's thread, and the bound on all that is unsettled.
final class PublishQueue: Sendable {
    static let messageLimit = 10_000
    static let byteLimit = 64 << 20

    struct Item: Sendable {
        let publication: Record
        let sender: MQTTSender
        /// The sender's name for the receipt; nil: nobody waits.
        let receiptID: UInt64?

        var cost: Int { publication.payload.readableBytes + publication.topic.utf8.count }
    }

    private struct State {
        var arrived: [Item] = []
        var messages = 0
        var bytes = 0
        var isClosed = false
        var isWanted = false
    }

    private let state = Mutex(State())

    /// Messages that are not yet settled.
    var unsettled: Int { state.withLock { $0.messages } }

    /// False until there was something to send, or is known to be.
    var isWanted: Bool { state.withLock { $0.isWanted } }

    func want() {
        state.withLock { $0.isWanted = true }
    }

    func append(_ item: Item) -> DeliveryFailure? {
        let cost = item.cost
        return state.withLock { state in
            if state.isClosed { return DeliveryFailure("the MQTT publisher is stopped") }
            // One message of any size is taken when nothing else is there.
            guard state.messages < Self.messageLimit, state.messages == 0 || state.bytes + cost <= Self.byteLimit
            else {
                return DeliveryFailure(
                    "the MQTT send queue is full (\(state.messages) messages, \(state.bytes) bytes)")
            }
            state.arrived.append(item)
            state.isWanted = true
            state.messages += 1
            state.bytes += cost
            return nil
        }
    }

    func takeArrived() -> [Item] {
        state.withLock { state in
            defer { state.arrived = [] }
            return state.arrived
        }
    }

    func settled(messages: Int, bytes: Int) {
        state.withLock {
            $0.messages -= messages
            $0.bytes -= bytes
        }
    }

    func close() {
        state.withLock { $0.isClosed = true }
    }
}
