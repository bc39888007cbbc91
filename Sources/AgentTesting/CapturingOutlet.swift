import AgentModel
import NIOCore

/// Takes the records that the agent sends to a transport, and acknowledges them in the loop's next turn, or fails as the
/// test has ordered.
final class CapturingOutlet: Outlet {
    private let loop: any EventLoop
    private let name: TransportName
    private let effects: CapturedEffects
    private let faults: FaultPlan

    init(_ name: TransportName, loop: any EventLoop, effects: CapturedEffects, faults: FaultPlan) {
        self.name = name
        self.loop = loop
        self.effects = effects
        self.faults = faults
    }

    func send(_ record: borrowing RecordView, receipt: DeliveryReceipt?) -> DeliveryFailure? {
        loop.preconditionInEventLoop()
        let failure = faults.take("\(name)").map { DeliveryFailure($0) }
        if failure == nil { effects.records[name, default: []].append(Record(record)) }
        loop.assumeIsolated().execute { receipt?.settle(failure) }
        return nil
    }
}
