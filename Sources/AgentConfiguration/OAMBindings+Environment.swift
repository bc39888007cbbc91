extension OAMBindings {
    /// The bindings the component definitions `webservice` and `realtime-service` give: a variable for each topic, named
    /// after it, for the definitions cannot join lists; the component's own `environment` comes last and wins.
    init(_ service: OAMComponent, in application: OAMApplication) {
        let isRealtimeService = service.serviceType == .realtimeService
        var variables: [OAMComponent.Variable] = []
        func set(_ variable: OAMComponent.Variable) {
            variables.removeAll { $0.name == variable.name }
            variables.append(variable)
        }
        func set(_ name: String, _ value: String?) {
            if let value { set(.init(name: name, value: .text(value))) }
        }

        let role = service.role ?? (isRealtimeService ? "gateway" : nil)
        set("REALTIME_PLATFORM", service.realtime)
        set("WEBSOCKET_ENABLED", (service.websocket ?? (isRealtimeService ? true : nil)).map(String.init))
        set("REALTIME_ROLE", role)
        // A webhook bridge must see every message, so it cannot share its platform's group.
        if isRealtimeService, role == "webhook" { set("STREAMING_CONSUMER_GROUP", service.name) }
        if let streaming = service.streaming, streaming.isEnabled {
            if !streaming.topics.isEmpty { set("STREAMING_TOPICS", streaming.topics.joined(separator: ",")) }
            set("STREAMING_CONSUMER_GROUP", streaming.consumerGroup)
        }
        for topic in service.consumes { set("CONSUME_" + topic.name, topic.topic) }
        for topic in service.produces { set("PRODUCE_" + topic.name, topic.topic) }
        for variable in service.environment { set(variable) }

        // The host's own rules say what these variables mean, so that both can never differ.
        let environment = Self.texts(of: variables)
        var resolution = SettingResolution(SettingLayers(environment: environment))
        func topics(_ field: String) -> [String] {
            if let setting = Setting.named(field) { resolution.resolve(setting) }
            guard case .list(let topics)? = resolution.resolved[field]?.value else { return [] }
            return topics
        }

        var notes: [String] = []
        let platforms = application.components.filter { $0.type == "realtime-platform" }
        if let platform = service.realtime,
            !platforms.contains(where: { $0.name == platform || $0.instanceName == platform })
        {
            notes.append("platform \"\(platform)\" is not part of this application: its secrets have to exist already")
        }
        if service.realtime == nil, isRealtimeService {
            notes.append("without \"realtime\" the service has no platform, so no secrets are mounted for it")
        }

        for variable in variables {
            guard case .reference(_, let object, let key) = variable.value else { continue }
            notes.append(
                "\(variable.name) comes from the key \"\(key)\" of \"\(object)\", which only its cluster knows")
        }

        component = service.name
        platform = service.realtime
        self.topics = topics("streaming_topics")
        produces = topics("produce_topics")
        self.variables = variables
        secrets =
            service.realtime.map { platform in
                PlatformSecretKind.allCases.map { $0.secretName(platform: platform) }
            } ?? []
        identitySecret = service.identity.flatMap { $0 == "none" ? nil : $0 + "-conn" }
        self.notes = notes
    }
}
