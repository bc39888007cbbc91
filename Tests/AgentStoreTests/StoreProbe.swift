import AgentModel
import AgentStore
import NIOCore
import NIOPosix

/// Asks stores from outside a loop.
struct StoreProbe {
    let stores: FolderStores
    let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()

    init(_ folder: TemporaryFolder, largest: Int? = nil) {
        stores = FolderStores(folder: folder.path, largest: largest)
    }

    init(_ stores: FolderStores) {
        self.stores = stores
    }

    func ask(_ request: StoreRequest, of agent: String = "a") async throws -> StoreAnswer {
        try await begin(request, of: agent).get().get()
    }

    /// Begins without waiting.
    func begin(
        _ request: StoreRequest, of agent: String = "a"
    ) -> EventLoopFuture<Result<StoreAnswer, DeliveryFailure>> {
        loop.flatSubmit { [stores, loop] in
            let promise = loop.makePromise(of: Result<StoreAnswer, DeliveryFailure>.self)
            stores.perform(request, of: agent, on: loop) { promise.succeed($0) }
            return promise.futureResult
        }
    }

    func set(_ key: String, _ value: String, of agent: String = "a") async throws {
        _ = try await ask(.set(Array(key.utf8), StoreValue(kind: .bytes, bytes: Array(value.utf8))), of: agent)
    }

    func get(_ key: String, of agent: String = "a") async throws -> String? {
        guard case .value(let value) = try await ask(.get(Array(key.utf8)), of: agent) else { return "no value" }
        return value.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    func keys(_ prefix: String = "", of agent: String = "a") async throws -> [String] {
        guard case .keys(let keys) = try await ask(.keys(prefix: Array(prefix.utf8)), of: agent) else { return [] }
        return keys.map { String(decoding: $0, as: UTF8.self) }
    }

    func add(_ key: String, _ number: StoreNumber) async throws -> StoreNumber? {
        guard case .number(let sum) = try await ask(.add(Array(key.utf8), number)) else { return nil }
        return sum
    }

    /// What a request fails with; nil when it does not.
    func failure(_ request: StoreRequest, of agent: String = "a") async throws -> String? {
        switch try await begin(request, of: agent).get() {
        case .success: return nil
        case .failure(let failure): return failure.description
        }
    }
}
