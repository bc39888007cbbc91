package import AgentModel
package import LuaRuntime
package import NIOCore

/// One loaded version of a script in one worker: a fresh Lua state and everything that the script declared.
///
/// Confined to its worker's event loop. Handlers in flight keep their generation alive; a later one replaces it whole.
package final class Generation {
    /// 1 for the version that the host started with, one more for each reload.
    package let number: Int
    /// What the script's functions see of it.
    package let script: ScriptContext
    package let eventLoop: any EventLoop
    /// What the script has registered.
    package internal(set) var handlers = HandlerTable()
    /// nil for a file of tests, which declares no agent.
    package private(set) var declaration: AgentDeclaration?
    /// The parts of requests that tasks and clients show.
    package let requests: RequestParts
    package let tasks: TaskReader
    private var isClosed = false

    package var state: LuaState { script.state }
    package var snapshot: ScriptSnapshot { script.snapshot }
    package var agentIndex: Int { script.agentIndex }
    package var version: String { script.version }

    /// Loads a script; `interrupt` ends a load that nobody wants any more. Throws, with file and line, on a syntax error,
    /// an error while it runs, a missing agent or a declaration that does not hold together; nothing of it remains then.
    package convenience init(
        snapshot: ScriptSnapshot, agentIndex: Int, number: Int, limits: LuaLimits, host: any ScriptHost,
        eventLoop: any EventLoop, interrupt: LuaInterrupt? = nil, settings: @escaping ScriptContext.Settings
    ) throws(ScriptFailure) {
        try self.init(
            snapshot, agentIndex: agentIndex, number: number, limits: limits, interrupt: interrupt, host: host,
            eventLoop: eventLoop, settings: settings)
        let source = try snapshot.script()
        do throws(LuaError) {
            let chunk = try source.withUnsafeBytesTyped { (bytes) throws(LuaError) in
                try state.compile(bytes, name: snapshot.name)
            }
            try state.call(chunk, budget: limits.load)
            state.stack.release(chunk)
        } catch {
            let hint = LoadHint.text(for: error.message, in: source, named: snapshot.name)
            throw ScriptFailure(error.message + (hint.map { " (\($0))" } ?? ""), traceback: error.traceback)
        }
        try endLoading()
    }

    /// A Lua state with the `agenthost` table and no script in it: for a file of tests, which declares no agent. The
    /// snapshot is where `require` finds modules.
    package convenience init(
        library snapshot: ScriptSnapshot, limits: LuaLimits, host: any ScriptHost, eventLoop: any EventLoop
    ) throws(ScriptFailure) {
        try self.init(
            snapshot, agentIndex: 0, number: 1, limits: limits, interrupt: nil, host: host, eventLoop: eventLoop,
            settings: { (_) throws(ScriptFailure) in throw ScriptFailure("a file of tests declares no agent") })
        script.endLoading()
    }

    /// A Lua state with everything in it that a script finds.
    private init(
        _ snapshot: ScriptSnapshot, agentIndex: Int, number: Int, limits: LuaLimits, interrupt: LuaInterrupt?,
        host: any ScriptHost, eventLoop: any EventLoop, settings: @escaping ScriptContext.Settings
    ) throws(ScriptFailure) {
        self.number = number
        self.eventLoop = eventLoop
        do {
            let state = try LuaState(limits: limits, interrupt: interrupt)
            script = ScriptContext(
                agentIndex: agentIndex, state: state, snapshot: snapshot, host: host, settings: settings)
            ScriptModules.install(for: script)
            ClientMethods.push(on: state.stack, for: script)
            requests = try RequestParts(in: state)
            tasks = TaskReader(script: script, requests: requests)
        } catch {
            throw ScriptFailure(error)
        }
    }

    /// The script has run: what it has registered and declared holds from now on.
    private func endLoading() throws(ScriptFailure) {
        script.endLoading(version: snapshot.version)
        guard let declared = script.declaration else {
            throw ScriptFailure(
                "\(snapshot.name):1: the script declares no agent; call agenthost.agent { … } or agenthost.realtime_agent { … }"
            )
        }
        handlers = script.handlers
        var declaration = try declared.completed(with: handlers)
        declaration.interface.warnings = script.warnings + AccidentalGlobals.warnings(of: state.globalWrites)
        self.declaration = declaration
    }

    /// What clients see of the agent.
    package var interface: AgentInterface {
        get throws(ScriptFailure) {
            guard let declaration else { throw ScriptFailure("\(snapshot.name): declares no agent") }
            return declaration.interface
        }
    }

    /// Copies `agent.state` of the generation before into this one, at the swap. Returns what was not taken over, or nil.
    /// Throws when `on_upgrade` raises.
    @discardableResult
    package func adoptState(of old: Generation) throws(ScriptFailure) -> String? {
        try AgentState(of: script).adopt(AgentState(of: old.script))
    }

    /// The value as an HTTP answer; see `AnswerModule`.
    package func answer(at index: Int32, on stack: LuaStack) throws(LuaError) -> TaskAnswer? {
        try AnswerModule.answer(at: index, on: stack, for: script)
    }

    /// Frees the Lua state. What the script had registered is gone with it.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        script.spawned.close()
        state.close()
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` for a body with a typed error.
    func withUnsafeBytesTyped<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let result: Result<R, E> = withUnsafeBytes { bytes in
            do throws(E) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
