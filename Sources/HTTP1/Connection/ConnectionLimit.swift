import NIOCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// How many connections may be open, over all workers. From any thread.
final class ConnectionLimit: Sendable {
    let maximum: Int
    private let open = Atomic<Int>(0)
    /// When it was last said that there are too many.
    private let lastWarning = Mutex<NIODeadline?>(nil)

    /// - Parameter maximum: nil leaves room below the limit of file descriptors for everything else that has one: files,
    ///   brokers, requests of scripts.
    init(_ maximum: Int?) {
        self.maximum = maximum ?? Self.descriptors.map { max(16, $0 - max(100, $0 / 8)) } ?? 100_000
    }

    /// The limit of the process; nil: none.
    static var descriptors: Int? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return Int(exactly: limit.rlim_cur)
    }

    /// How many more may be opened.
    var room: Int { maximum - open.load(ordering: .relaxed) }

    func opened() { open.add(1, ordering: .relaxed) }

    func closed() { open.subtract(1, ordering: .relaxed) }

    /// Whether to say that there are too many: once in a while, as under load they come and go.
    func mayWarn() -> Bool {
        lastWarning.withLock { last in
            let now = NIODeadline.now()
            if let last, now - last < .minutes(1) { return false }
            last = now
            return true
        }
    }
}
