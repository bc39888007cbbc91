import AgentModel
import Foundation
import NIOCore

/// What the command line asks of a host.
package struct HostOptions: Sendable {
    /// One script is one agent.
    package var scripts: [ScriptOrigin]
    /// Settings given as flags, by field name (`host`, `port`, `log_level`).
    package var flags: [String: String]
    package var environment: [String: String]
    /// Where variables are from that a file gave, as `prod.env:12`.
    package var environmentPlaces: [String: String] = [:]
    /// Event loops, each a worker of its own.
    package var workers: Int
    package var reloads: Bool
    /// Whether development brokers are started for what is not configured.
    package var embedding: Embedding
    package var readyFile: String?

    package init(
        scripts: [ScriptOrigin], flags: [String: String] = [:], environment: [String: String], workers: Int = 1,
        reloads: Bool = true, embedding: Embedding = .asNeeded, readyFile: String? = nil
    ) {
        self.scripts = scripts
        self.flags = flags
        self.environment = environment
        self.workers = workers
        self.reloads = reloads
        self.embedding = embedding
        self.readyFile = readyFile
    }
}

// The environment may hold secrets, and whatever a service is made of is described in the log of a service group.
extension HostOptions: CustomStringConvertible, CustomReflectable {
    package var description: String { "HostOptions(\(scripts.count) scripts)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a host could not start, with the exit code that says so (contract section 1).
package struct HostFailure: Error, CustomStringConvertible {
    package enum Cause: Int32, Sendable {
        /// The agent or its configuration is wrong.
        case agent = 1
        /// A port cannot be had, or an embedded broker cannot start.
        case resource = 3
    }

    package let cause: Cause
    package let description: String

    package init(_ cause: Cause, _ description: String) {
        self.cause = cause
        self.description = description
    }

    /// What is wrong, for people: of an error of the system its own words.
    static func reason(of error: any Error) -> String {
        switch error {
        case let error as SocketAddressError where error == .unixDomainSocketPathTooLong:
            "the path of its socket is longer than the 107 bytes that the system allows; set XDG_RUNTIME_DIR to a "
                + "shorter one"
        case let error as CocoaError:
            (error.underlying as? POSIXError).map { ErrorText.system($0.code.rawValue) } ?? error.localizedDescription
        default: ErrorText.of(error)
        }
    }
}
