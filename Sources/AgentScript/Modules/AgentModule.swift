import AgentModel
import LuaRuntime

/// `agenthost.agent { … }` and `agenthost.realtime_agent { … }`, and the agent table that they return.
enum AgentModule: ScriptModule {
    private static let standardFields = [
        "name", "description", "endpoints", "config", "processor", "capabilities", "static", "http",
    ]
    private static let realtimeFields = standardFields + ["websocket_endpoints", "streaming_endpoints"]

    static func install(on stack: LuaStack, for script: ScriptContext) {
        for (name, isRealtime) in [("agent", false), ("realtime_agent", true)] {
            stack.setFunction(name) { [unowned script] (call) throws(LuaFailure) in
                try construct(call, isRealtime: isRealtime, for: script)
                return .results(1)
            }
        }
    }

    private static func construct(_ call: LuaCall, isRealtime: Bool, for script: ScriptContext) throws(LuaFailure) {
        let stack = call.stack
        let location = stack.location(level: 1) ?? "\(script.snapshot.name):1"
        try script.requireLoading("agenthost.\(call.name)")
        if let earlier = script.declaration {
            throw LuaFailure("one script is one agent: the first was declared at \(earlier.location)")
        }
        let arguments = Arguments(call)
        guard call.argumentCount >= 1, stack.type(at: 1) == .table else {
            throw arguments.wrong("declaration", "table of fields, as { name = \"…\" },", at: 1)
        }
        let reader = try TableReader(
            stack, at: 1, what: "field of agenthost.\(call.name)", known: isRealtime ? realtimeFields : standardFields,
            instead: Misnomer.ofAgentField)
        let name = try reader.string("name") ?? String(script.snapshot.name.prefix { $0 != "." })
        guard !name.isEmpty, name.utf8.count <= 200, !name.utf8.contains(where: { $0 < 0x21 || $0 == 0x7F }) else {
            throw LuaFailure("field of agenthost.\(call.name) 'name': a name without spaces expected, got \"\(name)\"")
        }
        let description = try reader.string("description") ?? ""
        let capabilities = try reader.strings("capabilities") ?? []
        let endpoints = try endpoints(reader, for: script)
        let websocketEndpoints = try websocketEndpoints(reader, for: script)
        let streamingEndpoints = try streamingEndpoints(reader, for: script)
        let staticFolders = try staticFolders(reader, for: script)
        let processor = try reader.function("processor")
        let (config, declared) = try config(reader, for: script)
        let allowedAddresses = try allowedAddresses(reader)

        let settings: AgentSettings
        do throws(ScriptFailure) {
            settings = try script.settings(
                AgentRequestForSettings(
                    name: name, isRealtime: isRealtime, config: config, declared: declared, location: location))
        } catch {
            throw LuaFailure(error.message)
        }
        let interface = AgentInterface(
            name: name, description: description, isRealtime: isRealtime,
            websocketEnabled: isRealtime && settings.websocketEnabled, platform: settings.platform,
            agentType: settings.agentType, implementation: settings.implementation, capabilities: capabilities,
            taskTypes: [], endpoints: endpoints, websocketEndpoints: websocketEndpoints,
            streamingEndpoints: streamingEndpoints, staticFolders: staticFolders, location: location)
        script.declaration = AgentDeclaration(
            interface: interface, settings: settings, location: location, allowedAddresses: allowedAddresses)
        try pushAgent(
            stack, name: name, description: description, settings: settings, processor: processor, for: script)
    }

    /// `http = { allow = { "169.254.169.254" } }`.
    private static func allowedAddresses(_ reader: TableReader) throws(LuaFailure) -> Set<IPAddress> {
        let type = reader.stack.getField("http", of: reader.index)
        defer { reader.stack.pop(1) }
        if type == .nil { return [] }
        guard type == .table else { throw reader.wrong("http", "table") }
        let http = try TableReader(reader.stack, at: -1, what: "field of http", known: ["allow"])
        var addresses: Set<IPAddress> = []
        for text in try http.strings("allow") ?? [] {
            guard let address = IPAddress(text) else {
                throw LuaFailure("field of http 'allow': an IP address expected, got \"\(text)\"")
            }
            addresses.insert(address)
        }
        return addresses
    }

    /// The `config` table: values of the host's settings (which fields there are is the configuration's to check), and
    /// settings of the script's own.
    private static func config(
        _ reader: TableReader, for script: ScriptContext
    ) throws(LuaFailure) -> ([String: JSONValue], [DeclaredSetting]) {
        let stack = reader.stack
        let top = stack.top
        let type = stack.getField("config", of: reader.index)
        defer { stack.setTop(top) }
        if type == .nil { return ([:], []) }
        guard type == .table else { throw LuaFailure("config: table expected, got \(stack.typeName(at: -1))") }
        var declared: [DeclaredSetting] = []
        stack.newTable()
        stack.pushNil()
        while stack.next(of: top + 1) {
            if let name = stack.type(at: -2) == .string ? stack.string(at: -2) : nil,
                let setting = try SettingModule.declaration(stack, at: -1, name: name, for: script)
            {
                declared.append(setting)
                stack.pop(1)
            } else {
                stack.pushValue(at: -2)
                stack.insert(at: -2)
                stack.rawSet(of: top + 2)
            }
        }
        declared.sort { $0.name < $1.name }
        let json = try stack.jsonBuffer(at: -1, path: "config")
        guard case .object(let object)? = try? JSONValue(parsing: json) else {
            throw LuaFailure("config: a table of named settings expected")
        }
        var config: [String: JSONValue] = [:]
        for member in object.members { config[member.key] = member.value }
        return (config, declared)
    }

    /// Leaves the agent table on top of the stack.
    private static func pushAgent(
        _ stack: LuaStack, name: String, description: String, settings: AgentSettings, processor: LuaReference?,
        for script: ScriptContext
    ) throws(LuaFailure) {
        stack.newTable(array: 0, fields: 8)
        stack.push(name)
        stack.setField("name", of: -2)
        stack.push(description)
        stack.setField("description", of: -2)
        stack.newTable()
        stack.setField("state", of: -2)
        ConfigTable.push(settings, on: stack)
        stack.setField("config", of: -2)
        if let processor {
            do throws(LuaError) {
                let main = script.state.stack
                try script.state.call(processor, results: 1)
                let made = main.reference()
                stack.push(made)
                main.release(made)
            } catch {
                throw LuaFailure(error.message, position: false)
            }
            stack.setField("processor", of: -2)
        }
        // The metatable: methods, and errors for what does not exist.
        stack.newTable(array: 0, fields: 3)
        stack.newTable(array: 0, fields: 20)
        AgentMethods.install(on: stack, for: script)
        stack.newTable(array: 0, fields: 1)
        stack.pushUnknownFieldFunction("an agent has no", ofTableAt: -2, instead: Misnomer.ofMethod)
        stack.setField("__index", of: -2)
        stack.setMetatable(of: -2)
        stack.setField("__index", of: -2)
        stack.pushFunction("__newindex") { (call) throws(LuaFailure) in
            let field = call.stack.displayString(at: 2)
            guard ["state", "processor"].contains(field) else {
                throw LuaFailure(
                    "an agent has no field '\(field)'\(NameSuggestion.hint(field, among: ["state", "processor"]))"
                        + "; keep what survives a reload in agent.state")
            }
            call.stack.rawSet(of: 1)
            return .results(0)
        }
        stack.setField("__newindex", of: -2)
        stack.push(false)
        stack.setField("__metatable", of: -2)
        stack.setMetatable(of: -2)
        script.holdAgent(on: stack)
    }
}
