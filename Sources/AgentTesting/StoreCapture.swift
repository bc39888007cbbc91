import AgentModel
import LuaRuntime
import NIOCore

/// The store of the agent under test, in memory: one a host, whatever version of the agent is in service. Confined to its
/// loop.
final class StoreCapture: AgentStores, @unchecked Sendable {
    private let faults: FaultPlan
    private var values: [StoreRequest.Key: StoreValue] = [:]

    init(faults: FaultPlan) {
        self.faults = faults
    }

    func perform(
        _ request: StoreRequest, of agent: String, on loop: any EventLoop,
        completion: @escaping (Result<StoreAnswer, DeliveryFailure>) -> Void
    ) {
        let result = faults.take(FaultPlan.store).map { .failure(DeliveryFailure($0)) } ?? answer(to: request)
        loop.assumeIsolated().execute { completion(result) }
    }

    private func answer(to request: StoreRequest) -> Result<StoreAnswer, DeliveryFailure> {
        switch request {
        case .get(let key): return .success(.value(values[key]))
        case .set(let key, let value):
            values[key] = value
            return .success(.done)
        case .delete(let key):
            values[key] = nil
            return .success(.done)
        case .add(let key, let number):
            return StoreValue.sum(of: values[key], and: number).map { sum in
                values[key] = sum.value
                return .number(sum)
            }
        case .keys(let prefix):
            return .success(
                .keys(values.keys.filter { $0.starts(with: prefix) }.sorted { $0.lexicographicallyPrecedes($1) }))
        }
    }

    /// Pushes a table of what is kept, by key.
    func push(on stack: LuaStack) throws(LuaFailure) {
        stack.newTable()
        for (key, value) in values {
            key.withUnsafeBytes { stack.push($0) }
            let failure: JSONDecodingError? = value.bytes.withUnsafeBytes { bytes in
                if value.kind == .bytes {
                    stack.push(bytes)
                    return nil
                }
                do throws(JSONDecodingError) {
                    try stack.pushJSON(bytes)
                    return nil
                } catch {
                    return error
                }
            }
            if let failure { throw LuaFailure("host.store: \(failure.message)") }
            stack.rawSet(of: -3)
        }
    }
}
