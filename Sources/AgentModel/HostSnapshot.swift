/// What the status routes tell of the host at one moment.
package struct HostSnapshot: Sendable {
    package struct Script: Sendable {
        /// First 12 hex digits of SHA-256 over the script and its modules.
        package var version: String
        /// 1 for the version that the host started with, one more for each reload.
        package var generation: Int
        /// Milliseconds since 1970.
        package var loadedAt: Int64
        /// `file:line: message` of the last reload, when it failed; the version above still serves.
        package var reloadError: String?

        package init(version: String, generation: Int, loadedAt: Int64, reloadError: String?) {
            self.version = version
            self.generation = generation
            self.loadedAt = loadedAt
            self.reloadError = reloadError
        }
    }

    package struct Agent: Sendable {
        package var interface: AgentInterface
        package var script: Script
        package var messageCount: Int
        package var errorCount: Int
        /// Kafka topics and MQTT filters of this agent.
        package var topics: [String]

        package init(interface: AgentInterface, script: Script, messageCount: Int, errorCount: Int, topics: [String]) {
            self.interface = interface
            self.script = script
            self.messageCount = messageCount
            self.errorCount = errorCount
            self.topics = topics
        }
    }

    /// What waited for a worker in transports when it last looked.
    package struct Backlog: Sendable {
        package var worker: Int
        package var partitions: [TransportBacklog.Partition]
        package var queuedRecords: Int?
        package var queueCapacity: Int?

        package init(
            worker: Int, partitions: [TransportBacklog.Partition], queuedRecords: Int?, queueCapacity: Int?
        ) {
            self.worker = worker
            self.partitions = partitions
            self.queuedRecords = queuedRecords
            self.queueCapacity = queueCapacity
        }
    }

    package enum Health: String, Sendable { case healthy, degraded, unhealthy }

    package var serviceName: String
    package var health: Health
    package var agents: [Agent]
    package var connections: [ConnectionStatus.Report]
    /// All Kafka topics subscribed, sorted.
    package var activeStreams: [String]
    /// Milliseconds since 1970 of the last message; nil: none yet.
    package var lastActivity: Int64?
    /// The kinds of brokers (`kafka`, `mqtt`) that the host runs itself, in memory.
    package var embeddedBrokers: [String] = []
    package var backlogs: [Backlog] = []
    /// Dead letters that no broker took.
    package var spool: Spool?
    /// Dead letters that are neither delivered nor kept, so that their partitions stand still.
    package var waitingDeadLetters = 0

    /// Where dead letters are kept that no broker took, and how many are there.
    package struct Spool: Sendable, Equatable {
        package var letters: Int
        package var path: String

        package init(letters: Int, path: String) {
            self.letters = letters
            self.path = path
        }
    }

    package init(
        serviceName: String, health: Health, agents: [Agent], connections: [ConnectionStatus.Report],
        activeStreams: [String], lastActivity: Int64?
    ) {
        self.serviceName = serviceName
        self.health = health
        self.agents = agents
        self.connections = connections
        self.activeStreams = activeStreams
        self.lastActivity = lastActivity
    }
}

/// Answers for the status routes, from any thread.
package protocol StatusReporting: AnyObject, Sendable {
    func snapshot() -> HostSnapshot

    /// Everything that is measured, in Prometheus' text format 0.0.4; `webSockets` are those open on all workers.
    func metrics(webSockets: Int) -> String
}
