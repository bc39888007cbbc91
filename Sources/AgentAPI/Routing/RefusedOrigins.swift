import AgentModel
import Logging
import Synchronization

/// Tells, once for each, which pages were not let in: whoever writes one looks for the reason here, as its browser says
/// only that the page may not.
final class RefusedOrigins: Sendable {
    /// Anybody can send any origin, so there is an end to how many are told, and to how long they are.
    private static let most = 50
    private static let longest = 200
    private let told = Mutex<Set<String>>([])

    /// From any worker.
    func tell(_ origin: String, _ policy: OriginPolicy, _ logger: Logger) {
        let origin = String(origin.prefix(Self.longest))
        let count = told.withLock { told in
            guard told.count < Self.most, told.insert(origin).inserted else { return 0 }
            return told.count
        }
        guard count > 0 else { return }
        logger.warning(
            "a page of \(origin.visible()) may not write to this host or read from it: \(policy.advice(for: origin).visible())"
        )
        if count == Self.most {
            logger.warning("pages of other origins that are refused from now on are not named any more")
        }
    }
}
