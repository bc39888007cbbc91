import AgentModel
import NIOCore

/// Notes what goes to the subscribers, and lets it go on to them.
final class HubCapture: RealtimeHub {
    private let hub: any RealtimeHub
    private let effects: CapturedEffects

    init(hub: any RealtimeHub, effects: CapturedEffects) {
        self.hub = hub
        self.effects = effects
    }

    /// Everything is noted.
    func hears(_ publication: Publication) -> Bool { true }

    func emit(_ event: RealtimeEvent) {
        effects.events.append(event)
        hub.emit(event)
    }

    func publish(topic: String, data: ByteBuffer) -> Int {
        effects.published.append((topic, data))
        return hub.publish(topic: topic, data: data)
    }

    func broadcast(type: String, payload: ByteBuffer) -> Int {
        effects.broadcasts.append((type, payload))
        return hub.broadcast(type: type, payload: payload)
    }

    func send(to clientID: String, type: String, payload: ByteBuffer) -> Bool {
        hub.send(to: clientID, type: type, payload: payload)
    }

    func sendRaw(to clientID: String, data: ByteBuffer, binary: Bool) -> Bool {
        hub.sendRaw(to: clientID, data: data, binary: binary)
    }

    func close(clientID: String, code: Int, reason: String) -> Bool {
        hub.close(clientID: clientID, code: code, reason: reason)
    }
}
