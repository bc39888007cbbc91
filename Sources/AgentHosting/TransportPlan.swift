import AgentModel
import KafkaTransport
import Logging
import MQTTTransport

/// A broker of the lineup, and how the clients of it are made. Beside `plans`, nothing of the host's connections knows which
/// transports there are.
struct TransportPlan: Sendable {
    typealias Make = @Sendable ([WorkerSeat], ConnectionStatus, Logger) async throws -> any Transport

    let traits: TransportTraits
    /// As `/realtime/status` shows it.
    let endpoint: String
    /// The files that the settings name; a renewed one is read by new clients only.
    let files: TLSFiles?
    /// False: it connects when something needs it, and is not shown before.
    let connectsAtOnce: Bool
    let make: Make

    var name: TransportName { traits.name }
}

extension BrokerLineup {
    /// One for each broker that there is: a new transport is another here.
    var plans: [TransportPlan] {
        var plans: [TransportPlan] = []
        if let mqtt {
            plans.append(
                TransportPlan(traits: .mqtt, endpoint: mqtt.endpoint, files: mqtt.tls, connectsAtOnce: false) {
                    try MQTTClients(settings: mqtt, workers: $0, status: $1, logger: $2)
                })
        }
        if let kafka {
            plans.append(
                TransportPlan(
                    traits: .kafka, endpoint: kafka.bootstrapServers, files: kafka.tls, connectsAtOnce: true
                ) {
                    try await KafkaClients(settings: kafka, workers: $0, status: $1, logger: $2)
                })
        }
        return plans
    }

    /// Takes the broker of one transport from another lineup, if there is one.
    mutating func take(_ name: TransportName, from other: BrokerLineup) {
        switch name {
        case .kafka: kafka = other.kafka ?? kafka
        case .mqtt: mqtt = other.mqtt ?? mqtt
        default: break
        }
    }
}
