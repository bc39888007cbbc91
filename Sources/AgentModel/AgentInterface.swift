/// What an agent offers to clients, as its script declared it: enough to route, and to answer `/capabilities`.
package struct AgentInterface: Sendable, Equatable {
    package struct Endpoint: Sendable, Equatable {
        package var path: String
        /// Upper case; `POST` unless the script says otherwise.
        package var method: String
        package var taskType: String
        /// True: the body is any JSON, which the task has as `body`, and the answer is the result alone.
        package var takesAnyBody: Bool

        package init(path: String, method: String, taskType: String, takesAnyBody: Bool = false) {
            self.path = path
            self.method = method
            self.taskType = taskType
            self.takesAnyBody = takesAnyBody
        }
    }

    package struct WebSocketEndpoint: Sendable, Equatable {
        package var path: String
        package var autoSubscribe: [String]
        /// True when the script declared `on_message`: the frames are its own protocol.
        package var isRaw: Bool
        /// Those that it speaks, in order of preference.
        package var subprotocols: [String]

        package init(path: String, autoSubscribe: [String], isRaw: Bool, subprotocols: [String] = []) {
            self.path = path
            self.autoSubscribe = autoSubscribe
            self.isRaw = isRaw
            self.subprotocols = subprotocols
        }
    }

    package struct StreamingEndpoint: Sendable, Equatable {
        package var path: String
        package var topic: String

        package init(path: String, topic: String) {
            self.path = path
            self.topic = topic
        }
    }

    /// A folder whose files are served below a path.
    package struct StaticFolder: Sendable, Equatable {
        /// Begins with a slash, and ends with none.
        package var path: String
        /// As the script names it.
        package var folder: String
        /// Absolute.
        package var directory: String

        package init(path: String, folder: String, directory: String) {
            self.path = path
            self.folder = folder
            self.directory = directory
        }
    }

    package var name: String
    package var description: String
    package var isRealtime: Bool
    package var websocketEnabled: Bool
    /// The platform's name; nil when none is configured.
    package var platform: String?
    package var agentType: String
    package var implementation: String
    package var capabilities: [String]
    /// Sorted.
    package var taskTypes: [String]
    package var endpoints: [Endpoint]
    package var websocketEndpoints: [WebSocketEndpoint]
    package var streamingEndpoints: [StreamingEndpoint]
    /// Sorted by path.
    package var staticFolders: [StaticFolder]
    /// `file:line` of the declaration, for messages.
    package var location: String
    /// What the script may do and probably does not mean, a line each: `file:line: …`.
    package var warnings: [String] = []

    package init(
        name: String, description: String, isRealtime: Bool, websocketEnabled: Bool, platform: String?,
        agentType: String, implementation: String, capabilities: [String], taskTypes: [String], endpoints: [Endpoint],
        websocketEndpoints: [WebSocketEndpoint], streamingEndpoints: [StreamingEndpoint],
        staticFolders: [StaticFolder] = [], location: String = ""
    ) {
        self.name = name
        self.description = description
        self.isRealtime = isRealtime
        self.websocketEnabled = websocketEnabled
        self.platform = platform
        self.agentType = agentType
        self.implementation = implementation
        self.capabilities = capabilities
        self.taskTypes = taskTypes
        self.endpoints = endpoints
        self.websocketEndpoints = websocketEndpoints
        self.streamingEndpoints = streamingEndpoints
        self.staticFolders = staticFolders
        self.location = location
    }
}
