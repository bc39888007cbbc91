import AgentModel
import NIOCore

/// Takes the agent's publications and acknowledges them in the loop's next turn, or fails as the test has ordered.
final class MQTTCapture: MQTTSending {
    private let loop: any EventLoop
    private let effects: CapturedEffects
    private let faults: FaultPlan

    init(loop: any EventLoop, effects: CapturedEffects, faults: FaultPlan) {
        self.loop = loop
        self.effects = effects
        self.faults = faults
    }

    func publish(_ publication: MQTTPublication, receipt: DeliveryReceipt?) -> DeliveryFailure? {
        loop.preconditionInEventLoop()
        let failure = faults.take(.mqtt).map { DeliveryFailure($0) }
        if failure == nil { effects.mqtt.append(publication) }
        loop.assumeIsolated().execute { receipt?.settle(failure) }
        return nil
    }
}
