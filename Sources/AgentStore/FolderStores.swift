package import AgentModel
package import NIOCore
import Synchronization

/// The stores of a host's agents in a folder, a file for each, made when an agent first asks. All workers share them, and so
/// may other processes of this machine.
package final class FolderStores: AgentStores {
    private struct State {
        /// nil: nothing can be kept.
        var folder: String?
        var queues: [String: StoreQueue] = [:]
        var isClosed = false
    }

    private let state: Mutex<State>
    /// A file's name without its extension.
    private let fileName: @Sendable (_ agent: String) -> String
    private let largest: Int?

    /// - Parameter largest: pages of 4 KiB that a file may have; nil for as many as the disk holds.
    package init(
        folder: String? = nil, largest: Int? = nil, fileName: @escaping @Sendable (_ agent: String) -> String = { $0 }
    ) {
        state = Mutex(State(folder: folder))
        self.fileName = fileName
        self.largest = largest
    }

    /// From the moment that its place is known.
    package func use(folder: String?) {
        state.withLock { $0.folder = folder }
    }

    package func perform(
        _ request: StoreRequest, of agent: String, on loop: any EventLoop,
        completion: @escaping (Result<StoreAnswer, DeliveryFailure>) -> Void
    ) {
        let queue = state.withLock { state -> StoreQueue? in
            if let known = state.queues[agent] { return known }
            guard !state.isClosed, let folder = state.folder else { return nil }
            let queue = StoreQueue(StoreFile(path: "\(folder)/\(fileName(agent)).sqlite", largest: largest))
            state.queues[agent] = queue
            return queue
        }
        guard let queue else { return NoStores().perform(request, of: agent, on: loop, completion: completion) }
        queue.perform(request, on: loop, completion: completion)
    }

    /// Completes when everything that was asked for is on the disk, and the files are closed.
    package func close() async {
        let queues = state.withLock { state in
            state.isClosed = true
            return state.queues.values.map { $0 }
        }
        for queue in queues { await queue.close() }
    }
}
