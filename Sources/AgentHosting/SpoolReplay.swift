import AgentModel
import AgentWorker
import NIOCore
import NIOPosix

/// Sends kept dead letters again, with the connections of the host that kept them.
enum SpoolReplay {
    /// Sends those of one topic, or all, one after another, and takes out what its broker has now. Returns what became of
    /// them, for people: `ok` and a count, or what is still kept and why.
    static func run(_ folder: SpoolFolder, topic: String?, on worker: Worker) async -> String {
        do {
            let topics = try await NIOThreadPool.singleton.runIfActive { try folder.topics() }
                .filter { topic == nil || $0.name == topic }
            var delivered = 0
            var kept = 0
            var reason: String?
            for topic in topics {
                var done: Set<String> = []
                for letter in topic.letters {
                    if let failure = try await deliver(letter.letter, by: worker) {
                        kept += 1
                        reason = reason ?? failure.description
                    } else {
                        done.insert(letter.id)
                    }
                }
                delivered += done.count
                try await NIOThreadPool.singleton.runIfActive { [done] in try folder.remove(done, of: topic.name) }
            }
            guard let reason else { return "ok \(delivered) sent" }
            return "\(delivered) sent, \(kept) stay: \(reason)"
        } catch {
            return "the letters cannot be sent: \(ErrorText.of(error))"
        }
    }

    private static func deliver(_ letter: DeadLetter, by worker: Worker) async throws -> DeliveryFailure? {
        try await worker.loop.flatSubmit {
            let promise = worker.loop.makePromise(of: DeliveryFailure?.self)
            worker.deliver(letter) { promise.succeed($0) }
            return promise.futureResult
        }.get()
    }
}
