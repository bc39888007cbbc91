import AgentModel
import Logging

/// The one point that every effect of a script passes: sends it, and books it on the scope that waits for its delivery.
final class EffectDispatcher {
    /// Of the transports that are there.
    private var outlets: [(name: TransportName, outlet: any Outlet)] = []
    var hub: (any RealtimeHub)?
    /// nil: nobody asks.
    var observer: (any RunObserver)?

    /// From now on; without an outlet the transport is off.
    func connect(_ name: TransportName, _ outlet: (any Outlet)?) {
        outlets.removeAll { $0.name == name }
        if let outlet { outlets.append((name, outlet)) }
    }

    func has(_ name: TransportName) -> Bool { outlet(of: name) != nil }

    private func outlet(of name: TransportName) -> (any Outlet)? {
        for index in outlets.indices where outlets[index].name == name { return outlets[index].outlet }
        return nil
    }

    /// `run`: whose effect it is; nil for the host's own.
    func perform(_ effect: Effect, for scope: EffectScope, by run: Invocation? = nil) -> EffectAnswer {
        let answer = carryOut(effect, for: scope)
        if let observer, observer.seesEffects { observer.performed(effect, answer, in: run) }
        return answer
    }

    private func carryOut(_ effect: Effect, for scope: EffectScope) -> EffectAnswer {
        switch effect {
        case .send(let name, let record): return record.withView { carryOut($0, to: name, for: scope) }
        case .event(let event):
            hub?.emit(event)
            return .taken(reached: 0)
        case .publish(let topic, let data):
            return .taken(reached: hub?.publish(topic: topic, data: data) ?? 0)
        case .broadcast(let type, let payload):
            return .taken(reached: hub?.broadcast(type: type, payload: payload) ?? 0)
        case .client(let id, let type, let payload):
            return reached(hub?.send(to: id, type: type, payload: payload), id)
        case .clientFrame(let id, let data, let binary):
            return reached(hub?.sendRaw(to: id, data: data, binary: binary), id)
        case .clientClose(let id, let code, let reason):
            return reached(hub?.close(clientID: id, code: code, reason: reason), id)
        }
    }

    /// As `perform` of such an effect.
    func send(
        _ record: borrowing RecordView, to name: TransportName, for scope: EffectScope, by run: Invocation? = nil
    ) -> EffectAnswer {
        let answer = carryOut(record, to: name, for: scope)
        if let observer, observer.seesEffects { observer.performed(.send(name, Record(record)), answer, in: run) }
        return answer
    }

    private func carryOut(
        _ record: borrowing RecordView, to name: TransportName, for scope: EffectScope
    ) -> EffectAnswer {
        guard let outlet = outlet(of: name) else { return .refused(name.traits?.absence ?? "\(name) is not there") }
        scope.beginEffect()
        guard let failure = outlet.send(record, receipt: scope) else { return .taken(reached: 0) }
        // A record that its client does not even queue has failed: the message that caused it is not done.
        scope.settle(failure)
        return .refused(failure.description)
    }

    /// Sends a dead letter; the scope learns of the delivery.
    func send(_ letter: DeadLetter, for scope: EffectScope) {
        if case .refused(let reason) = perform(letter.effect, for: scope) { scope.fail(DeliveryFailure(reason)) }
    }

    private func reached(_ sent: Bool?, _ id: String) -> EffectAnswer {
        sent == true ? .taken(reached: 1) : .refused("no WebSocket client \(id) is connected")
    }
}
