package import AgentModel
package import LuaRuntime

/// What a script's functions may ask for: the state they run in, what has been registered, and the worker that runs them.
///
/// Modules know this and nothing above it. Confined to the loop of its worker once the script is loaded.
package final class ScriptContext {
    package typealias Settings = (AgentRequestForSettings) throws(ScriptFailure) -> AgentSettings

    /// Position of the agent in the host, from 0.
    package let agentIndex: Int
    package let state: LuaState
    package let snapshot: ScriptSnapshot
    /// Functions that `agenthost.spawn` has begun.
    package let spawned: SpawnedFunctions
    /// Settles the agent's settings, when it is declared.
    let settings: Settings
    /// Set once the script has declared its agent.
    package internal(set) var declaration: AgentDeclaration?
    /// Names the source of the script; empty while it loads.
    package private(set) var version = ""
    /// What the script has registered.
    var handlers = HandlerTable()
    /// What the script may do and probably does not mean, a line each: `file:line: …`.
    private(set) var warnings: [String] = []
    /// The agent table, once it is made.
    private(set) var agent: LuaReference?
    private var agentIdentity: UnsafeRawPointer?
    /// While the main chunk runs, handlers are registered and nothing is sent.
    private(set) var isLoading = true
    private unowned let host: any ScriptHost
    private var timerCount = 0
    var kept = Kept()

    /// Lua values that modules keep.
    struct Kept {
        /// The metatable of what `agenthost.setting` makes.
        var setting: LuaReference?
        /// Of what `agenthost.answer` makes; nil until it does.
        var answer: LuaReference?
        /// What others' files find as `io`.
        var libraryIO: LuaReference?
    }

    init(
        agentIndex: Int, state: LuaState, snapshot: ScriptSnapshot, host: any ScriptHost,
        settings: @escaping Settings
    ) {
        self.agentIndex = agentIndex
        self.state = state
        self.snapshot = snapshot
        self.host = host
        self.settings = settings
        spawned = SpawnedFunctions(in: state)
    }

    /// The script is loaded, and may act from now on.
    func endLoading(version: String = "") {
        isLoading = false
        self.version = version
    }

    /// The agent's name; until it is declared, the file's.
    package var name: String { declaration?.interface.name ?? snapshot.name }

    /// Notes what is probably not meant, at the script's line.
    func warn(_ text: String, on stack: LuaStack) {
        warnings.append("\(place(on: stack)): \(text)")
    }

    /// `file:line` of what the script runs.
    func place(on stack: LuaStack) -> String { stack.location(level: 1) ?? snapshot.name }

    /// What its host knows how to send to and to hear from.
    var transports: [TransportTraits] { host.transports }

    /// The agent table, on top of the stack, is made.
    func holdAgent(on stack: LuaStack) {
        agentIdentity = stack.identity(at: -1)
        stack.pushValue(at: -1)
        agent = stack.reference()
    }

    // MARK: What a function requires

    /// A method was called with a colon, on the agent.
    func requireAgent(_ call: LuaCall) throws(LuaFailure) {
        guard let agentIdentity else { throw LuaFailure("the agent is not made yet") }
        guard call.argumentCount >= 1, call.stack.identity(at: 1) == agentIdentity else {
            throw LuaFailure("call it with a colon: agent:\(call.name)(…)")
        }
    }

    /// Effects and waits belong to handlers: the main chunk only declares, so that a version which is never put in
    /// service has done nothing to the world.
    func requireRunning(_ function: String) throws(LuaFailure) {
        if isLoading {
            throw LuaFailure(
                "\(function) cannot be called while the script loads; call it in agent:on_start or in a handler")
        }
    }

    /// Before anything of a wait begins: not while the script loads, and not where Lua cannot yield.
    func requireWaiting(_ function: String, _ call: LuaCall) throws(LuaFailure) {
        try requireRunning(function)
        try call.requireWait()
    }

    func requireLoading(_ function: String) throws(LuaFailure) {
        if !isLoading {
            throw LuaFailure("\(function) registers a handler: call it while the script loads, not in a handler")
        }
    }

    /// Why the agent may have no more of these now, or not so many more; nil when it may.
    func refusal(of demand: ScriptDemand, more: Int = 1) -> String? {
        guard let settings = declaration?.settings else { return nil }
        let (most, setting, noun) =
            switch demand {
            case .invocation: (settings.maxInvocations, "MAX_INVOCATIONS", "functions under way")
            case .timer: (settings.maxTimers, "MAX_TIMERS", "timers")
            case .request: (settings.maxPendingRequests, "MAX_PENDING_REQUESTS", "HTTP requests under way")
            }
        let isDeclaring = isLoading && demand == .timer
        let count = isDeclaring ? handlers.timers.count : host.count(of: demand, in: self)
        if count + more <= most { return nil }
        if more > 1 {
            return
                "an agent has at most \(most) \(noun) (\(setting)); this one has \(count), and \(more) more are asked for"
        }
        return "an agent has at most \(most) \(noun) (\(setting)), and this one has them"
    }

    func require(_ demand: ScriptDemand, more: Int = 1) throws(LuaFailure) {
        if let refusal = refusal(of: demand, more: more) { throw LuaFailure(refusal) }
    }

    // MARK: What a function asks of the worker

    /// Whether anyone gets what is published so; what nobody hears is checked, and not made.
    func hears(_ publication: Publication, eventType: String? = nil) -> Bool {
        host.hears(publication, eventType: eventType, in: self)
    }

    /// Performs an effect and gives the script its answer: the number reached (true for a broker), or `nil, message`.
    func answer(_ effect: Effect, _ call: LuaCall) -> LuaOutcome {
        switch host.perform(effect, in: self) {
        case .taken(let reached):
            switch effect {
            case .publish, .broadcast: call.stack.push(reached)
            case .send, .event, .client, .clientFrame, .clientClose: call.stack.push(true)
            }
            return .results(1)
        case .refused(let reason):
            call.stack.pushNil()
            call.stack.push(reason)
            return .results(2)
        }
    }

    /// As `answer`, for a record.
    func send(_ record: borrowing RecordView, to transport: TransportName, _ call: LuaCall) -> LuaOutcome {
        switch host.send(record, to: transport, in: self) {
        case .taken:
            call.stack.push(true)
            return .results(1)
        case .refused(let reason):
            call.stack.pushNil()
            call.stack.push(reason)
            return .results(2)
        }
    }

    /// The running coroutine yields until what it waits for is there.
    func wait(_ wait: ScriptWait) -> LuaOutcome {
        host.wait(wait, in: self)
        return .wait
    }

    /// The function on top of the stack, with its arguments, runs beside this one.
    func spawn(_ function: SpawnedFunction, arguments: Int32, from stack: LuaStack) {
        host.spawn(function, arguments: arguments, from: stack, in: self)
    }

    func log(_ level: ScriptLogLevel, _ message: String, fields: [String: JSONValue] = [:]) {
        host.log(level, message, fields: fields, in: self)
    }

    /// Starts a timer; one of a script that loads begins with its service.
    func start(seconds: Double, repeats: Bool, function: LuaReference) -> ScriptTimer {
        timerCount += 1
        let timer = ScriptTimer(identifier: timerCount, interval: seconds, repeats: repeats, function: function)
        if isLoading { handlers.timers.append(timer) } else { host.schedule(timer, in: self) }
        return timer
    }

    func cancel(_ timer: ScriptTimer) {
        guard !timer.isCancelled else { return }
        timer.isCancelled = true
        host.cancel(timer, in: self)
    }

    func platformSecrets() -> (platform: String, values: [String: JSONValue])? { host.platformSecrets() }

    /// Milliseconds since 1970, by the clock that the script sees.
    func now() -> Int64 { host.now() }

    /// A new UUID.
    func identifier() -> String { host.identifier() }
}

/// What configuration needs to know of the script to settle the agent's settings.
package struct AgentRequestForSettings: Sendable {
    package var name: String
    package var isRealtime: Bool
    /// The `config` table, by field.
    package var config: [String: JSONValue]
    /// Settings of the script's own, by name.
    package var declared: [DeclaredSetting]
    /// `file:line` of the declaration.
    package var location: String
}
