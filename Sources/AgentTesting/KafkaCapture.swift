import AgentModel
import NIOCore

/// Takes the agent's records and acknowledges them in the loop's next turn, or fails as the test has ordered.
final class KafkaCapture: KafkaSending {
    private let loop: any EventLoop
    private let effects: CapturedEffects
    private let faults: FaultPlan

    init(loop: any EventLoop, effects: CapturedEffects, faults: FaultPlan) {
        self.loop = loop
        self.effects = effects
        self.faults = faults
    }

    func send(_ record: KafkaRecord, receipt: DeliveryReceipt?) -> DeliveryFailure? {
        loop.preconditionInEventLoop()
        let failure = faults.take(.kafka).map { DeliveryFailure($0) }
        if failure == nil { effects.kafka.append(record) }
        loop.assumeIsolated().execute { receipt?.settle(failure) }
        return nil
    }
}
