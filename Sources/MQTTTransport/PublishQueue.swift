import AgentModel
import Synchronization

/// Publications on their way from the loops to the publisher's thread, and the bound on all that is unsettled.
final class PublishQueue: Sendable {
    static let messageLimit = 10_000
    static let byteLimit = 64 << 20

    private struct State {
        var arrived: [MQTTPublication] = []
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

    func append(_ publication: MQTTPublication) -> DeliveryFailure? {
        let cost = publication.cost
        return state.withLock { state in
            if state.isClosed { return DeliveryFailure("the MQTT publisher is stopped") }
            // One message of any size is taken when nothing else is there.
            guard state.messages < Self.messageLimit, state.messages == 0 || state.bytes + cost <= Self.byteLimit
            else {
                return DeliveryFailure(
                    "the MQTT send queue is full (\(state.messages) messages, \(state.bytes) bytes)", isOverload: true)
            }
            state.arrived.append(publication)
            state.isWanted = true
            state.messages += 1
            state.bytes += cost
            return nil
        }
    }

    func takeArrived() -> [MQTTPublication] {
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
