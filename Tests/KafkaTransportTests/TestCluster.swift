import AgentModel
import DevelopmentBrokers
import Logging
import Synchronization

@testable import KafkaTransport

/// The cluster that the tests without faults share.
enum SharedKafka {
    static let cluster = Result { () throws(DevelopmentBrokerError) in try EmbeddedKafka() }

    static func settings(group: String = unique("group"), overrides: [String: String] = [:]) throws -> KafkaSettings {
        embeddedSettings(try cluster.get(), group: group, overrides: overrides)
    }
}

func embeddedSettings(
    _ kafka: EmbeddedKafka, group: String = unique("group"), overrides: [String: String] = [:]
) -> KafkaSettings {
    KafkaSettings(
        bootstrapServers: kafka.bootstrapServers, clientID: "test", groupID: group, isEmbedded: true,
        overrides: overrides)
}

/// Held while a process is being spawned: until it executes, the child has every socket of this process open, and the
/// mock cluster aborts when the port of a broker that it takes down is not free at once.
let spawning = Mutex(())

extension EmbeddedKafka {
    /// Takes the first broker away.
    func takeDown() {
        spawning.withLock { _ in setBroker(isUp: false) }
    }
}

/// Logs nothing.
let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Unique within the run and between runs.
func unique(_ name: String) -> String {
    "\(name)-\(UInt32.random(in: .min ... .max))"
}
