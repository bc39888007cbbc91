/// What configuration decided for one agent, in the form that the rooms below the configuration need.
package struct AgentSettings: Sendable {
    /// `SERVICE_NAME`, else the agent's name.
    package var serviceName: String
    /// The configured type, else the service name up to its first `-`.
    package var agentType: String
    package var implementation: String
    package var platform: String?
    package var websocketEnabled: Bool
    package var maxConcurrentTasks: Int
    package var maxQueuedTasks: Int
    /// Functions of the script that may be under way at one time in one worker, waiting ones included.
    package var maxInvocations: Int
    /// Timers that may be set at one time in one worker.
    package var maxTimers: Int
    /// HTTP requests of the script that may be under way at one time in one worker.
    package var maxPendingRequests: Int
    /// Seconds.
    package var taskTimeout: Double
    /// Topics to subscribe beside those of the handlers; their messages become `data_processed` events.
    package var topics: [TransportName: [String]]
    /// Every setting but the secret ones, by field name, for `agent.config`.
    package var values: [String: JSONValue]
    /// The secret settings, for a script that asks for one by its name.
    package var secrets: [String: String]
    /// The field name of every name that is a setting, set or not.
    package var names: [String: String]

    package init(
        serviceName: String, agentType: String? = nil, implementation: String = "deterministic",
        platform: String? = nil, websocketEnabled: Bool = true, maxConcurrentTasks: Int = 10,
        maxQueuedTasks: Int = 1024, maxInvocations: Int = 10_000, maxTimers: Int = 10_000,
        maxPendingRequests: Int = 1000, taskTimeout: Double = 300, topics: [TransportName: [String]] = [:],
        values: [String: JSONValue] = [:], secrets: [String: String] = [:],
        names: [String: String] = [:]
    ) {
        self.serviceName = serviceName
        self.agentType = agentType ?? String(serviceName.prefix { $0 != "-" })
        self.implementation = implementation
        self.platform = platform
        self.websocketEnabled = websocketEnabled
        self.maxConcurrentTasks = maxConcurrentTasks
        self.maxQueuedTasks = maxQueuedTasks
        self.maxInvocations = maxInvocations
        self.maxTimers = maxTimers
        self.maxPendingRequests = maxPendingRequests
        self.taskTimeout = taskTimeout
        self.topics = topics
        self.values = values
        self.secrets = secrets
        self.names = names
    }
}

// It may hold secrets, so neither describing nor dumping it shows its values.
extension AgentSettings: CustomStringConvertible, CustomReflectable {
    package var description: String { "AgentSettings(\(serviceName))" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
