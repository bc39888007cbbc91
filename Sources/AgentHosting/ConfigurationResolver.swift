package import AgentConfiguration
package import AgentModel
package import AgentScript
import Synchronization

/// Settles the settings of each agent from the layers of configuration, as its script declares itself.
package final class ConfigurationResolver: Sendable {
    private let flags: [String: String]
    private let environment: [String: String]
    private let environmentPlaces: [String: String]
    private let isHost: Bool
    private struct State {
        var secrets: PlatformSecrets?
        var layers: SettingLayers?
        var first: AgentConfig?
        /// The host's configuration as it is in force.
        var held: AgentConfig?
        /// Changes that have been told.
        var told: [PendingChange] = []
        /// By agent: settings of the host's in the `config` tables of the others.
        var ignored: [String: String] = [:]
    }

    private let state = Mutex(State())

    /// - Parameters:
    ///   - environmentPlaces: where variables are from that a file gave.
    ///   - isHost: whether what is settled is served with, and not only looked at.
    package init(
        flags: [String: String], environment: [String: String], environmentPlaces: [String: String] = [:],
        isHost: Bool = false
    ) {
        self.flags = flags
        self.environment = environment
        self.environmentPlaces = environmentPlaces
        self.isHost = isHost
    }

    /// The platform's secrets, once they are known; holds for every later resolution.
    package func use(_ secrets: PlatformSecrets?) {
        state.withLock { $0.secrets = secrets }
    }

    package var secrets: PlatformSecrets? { state.withLock { $0.secrets } }

    /// The configuration without any script: what a host knows before it has loaded one.
    package func configuration() throws -> AgentConfig {
        try AgentConfig(
            .init(flags: flags, secrets: secrets, environment: environment, environmentPlaces: environmentPlaces))
    }

    /// The configuration of the first agent resolved, which is the host's.
    package var first: AgentConfig? { state.withLock { $0.first } }

    /// From now on the host runs with this configuration.
    package func hold(_ config: AgentConfig) { state.withLock { $0.held = config } }

    /// What the version loaded last has changed of the settings that a host reads once, and was not told yet.
    package func untoldChanges() -> [PendingChange] {
        state.withLock { state in
            guard let held = state.held, let first = state.first else { return [] }
            let changes = first.pendingChanges(since: held)
            defer { state.told = changes }
            return changes.filter { !state.told.contains($0) }
        }
    }

    /// A line for each agent but the first whose `config` table has settings that are the host's.
    package var ignoredSettings: [String] { state.withLock { $0.ignored.values.sorted() } }

    /// The host's configuration with the secrets as they are now; nil before an agent was loaded.
    package func resolveAgain() throws -> AgentConfig? {
        guard var layers = state.withLock({ $0.layers }) else { return nil }
        layers.secrets = secrets
        return try AgentConfig(layers)
    }

    /// For a script that is loading. Throws with the script's line when its `config` table, or the environment, is wrong.
    package func settings(for agent: AgentRequestForSettings) throws(ScriptFailure) -> AgentSettings {
        var script: [String: SettingValue] = [:]
        for (field, value) in agent.config {
            guard let value = SettingValue(value) else {
                throw ScriptFailure(
                    "config.\(field): a string, number, boolean or list of strings expected")
            }
            script[field] = value
        }
        var declared: [Setting] = []
        for setting in agent.declared { declared.append(try Setting(setting)) }
        let layers = SettingLayers(
            flags: flags, secrets: secrets, environment: environment, environmentPlaces: environmentPlaces,
            script: script, declared: declared, agentName: agent.name)
        let config: AgentConfig
        do throws(ConfigurationError) {
            config = try AgentConfig(layers)
        } catch {
            throw ScriptFailure("configuration: \(error.description)")
        }
        if isHost, let refusal = config.refusal { throw ScriptFailure("configuration: \(refusal)") }
        state.withLock { state in
            guard state.layers == nil || state.layers?.agentName == agent.name else {
                let held = config.heldFromScript.map { "config.\($0)" }.joined(separator: ", ")
                state.ignored[agent.name] =
                    held.isEmpty
                    ? nil
                    : "\(agent.location): \(held) has no effect: of several agents the first one's settings are the host's"
                return
            }
            state.layers = layers
            state.first = config
        }
        return AgentSettings(config, agentName: agent.name)
    }
}

// It holds the environment with its secrets.
extension ConfigurationResolver: CustomStringConvertible, CustomReflectable {
    package var description: String { "ConfigurationResolver" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension Setting {
    /// A setting of the script's own. Throws where it takes a name of the host's, or its default is of another kind.
    fileprivate init(_ declared: DeclaredSetting) throws(ScriptFailure) {
        let place = "config.\(declared.name)"
        if Setting.named(declared.name) != nil {
            throw ScriptFailure("\(place): the host has a setting of this name; give its value, or take another name")
        }
        if let setting = Setting.ofVariable(declared.variable) {
            throw ScriptFailure(
                "\(place): \(declared.variable) sets the host's \(setting.field); read agent.config.\(setting.field)")
        }
        let kind: Setting.Kind =
            switch declared.kind {
            case .string: .text
            case .number: .number
            case .integer: .integer(.min ... .max)
            case .boolean: .boolean
            case .list: .list
            case .url: .url(["http", "https", "ws", "wss"])
            }
        var value: SettingValue?
        if let json = declared.defaultValue {
            value = SettingValue(json).flatMap(kind.accept)
            guard value != nil else {
                throw ScriptFailure("\(place): the default is not what was expected, \(kind.expectation)")
            }
        }
        self.init(
            declared: declared.name, variable: declared.variable, kind: kind, default: value, secret: declared.isSecret)
    }
}

extension SettingValue {
    init?(_ value: JSONValue) {
        switch value {
        case .string(let text): self = .string(text)
        case .integer(let number): self = .integer(number)
        case .number(let number): self = .number(number)
        case .bool(let flag): self = .boolean(flag)
        case .array(let items):
            var texts: [String] = []
            for item in items {
                guard let text = item.stringValue else { return nil }
                texts.append(text)
            }
            self = .list(texts)
        case .object(let object) where object.isEmpty: self = .list([])
        case .null, .object: return nil
        }
    }

    var json: JSONValue {
        switch self {
        case .string(let text): .string(text)
        case .integer(let number): .integer(number)
        case .number(let number): .number(number)
        case .boolean(let flag): .bool(flag)
        case .list(let texts): .array(texts.map { .string($0) })
        }
    }
}

extension AgentSettings {
    init(_ config: AgentConfig, agentName: String) {
        var values: [String: JSONValue] = [:]
        var secrets: [String: String] = [:]
        for setting in config.listing() {
            if let value = config.value(setting.name) { values[setting.name] = value.json }
            if let secret = config.secret(setting.name) { secrets[setting.name] = secret.exposed }
        }
        let timeout = config.taskTimeout.components
        self.init(
            serviceName: config.serviceName ?? agentName, agentType: config.agentType,
            implementation: config.implementationType ?? "deterministic", platform: config.realtimePlatform,
            websocketEnabled: config.websocketEnabled, maxConcurrentTasks: config.maxConcurrentTasks,
            maxQueuedTasks: config.maxQueuedTasks, maxInvocations: config.maxInvocations,
            maxTimers: config.maxTimers, maxPendingRequests: config.maxPendingRequests,
            taskTimeout: Double(timeout.seconds) + Double(timeout.attoseconds) / 1e18,
            topics: [.kafka: config.streamingTopics, .mqtt: config.mqttTopics], values: values, secrets: secrets,
            names: config.names)
    }
}
