import AgentModel
import NIOCore

/// The time and the identifiers that a worker writes on what it makes. Confined to its loop, but for what is said
/// otherwise.
final class Stamps {
    private let loop: any EventLoop
    private let clock: @Sendable () -> Int64
    private var identifiers = IdentifierSource()

    /// `clock` tells milliseconds since 1970.
    init(loop: any EventLoop, clock: @escaping @Sendable () -> Int64) {
        self.loop = loop
        self.clock = clock
    }

    /// Milliseconds since 1970. From any thread.
    func now() -> Int64 { clock() }

    /// A new UUID.
    func uuid() -> RandomUUID { identifiers.next() }

    /// The text of a new UUID.
    func identifier() -> String { uuid().description }

    /// As `identifier`, from any thread.
    func anyIdentifier() -> String { loop.inEventLoop ? identifier() : Identifier.random() }
}
