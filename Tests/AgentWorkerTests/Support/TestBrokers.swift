import AgentModel
import NIOCore

/// A broker that keeps what is sent; the test says what became of it.
final class TestBroker: Outlet {
    struct Sent {
        var record: Record
        var receipt: DeliveryReceipt?

        var topic: String { record.topic }
        var text: String { record.value.map { String(buffer: $0) } ?? "" }

        func header(_ name: String) -> String? {
            record.headers.last { $0.name == name }?.value.map { String(decoding: $0, as: UTF8.self) }
        }
    }

    private(set) var sent: [Sent] = []
    private var unsettled: [DeliveryReceipt] = []
    /// Settles at once what is sent.
    var acknowledges = false
    /// Refuses to queue, as one that is full, with this reason.
    var refusal: String?

    var unsettledCount: Int { unsettled.count }

    func send(_ record: borrowing RecordView, receipt: DeliveryReceipt?) -> DeliveryFailure? {
        if let refusal { return DeliveryFailure(refusal, isOverload: true) }
        sent.append(Sent(record: Record(record), receipt: nil))
        guard let receipt else { return nil }
        if acknowledges { receipt.settle(nil) } else { unsettled.append(receipt) }
        return nil
    }

    func texts(_ topic: String) -> [String] { sent.filter { $0.topic == topic }.map(\.text) }

    func forget() { sent = [] }

    func settleFirst(_ failure: DeliveryFailure? = nil) {
        if !unsettled.isEmpty { unsettled.removeFirst().settle(failure) }
    }

    func settleLast(_ failure: DeliveryFailure? = nil) { unsettled.popLast()?.settle(failure) }

    func settleAll(_ failure: DeliveryFailure? = nil) {
        let all = unsettled
        unsettled = []
        for receipt in all { receipt.settle(failure) }
    }
}
