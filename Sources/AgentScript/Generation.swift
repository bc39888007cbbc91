package import AgentModel
import Logging
package import LuaRuntime
package import NIOCore

/// One loaded version of a script in one worker: a fresh Lua state and everything that the script declared.
///
/// Confined to its worker's event loop. Handlers in flight keep their generation alive; a later one replaces it whole.
package final class Generation {
    /// Position of the agent in the host, from 0.
    package let agentIndex: Int
    /// 1 for the version that the host started with, one more for each reload.
    package let number: Int
    package let state: LuaState
    package let snapshot: ScriptSnapshot
    package let eventLoop: any EventLoop
    package internal(set) var handlers = HandlerTable()
    /// Set once the script has declared its agent.
    package internal(set) var declaration: AgentDeclaration?
    /// Milliseconds since 1970.
    package let loadedAt = Timestamp.now()
    package private(set) var version = ""

    unowned let host: any ScriptHost
    let settings: (AgentRequestForSettings) throws(ScriptFailure) -> AgentSettings
    /// While the main chunk runs, handlers are registered and nothing is sent.
    private(set) var isLoading = true
    private(set) var isClosed = false
    var agentReference: LuaReference?
    var metatables = Metatables()
    /// What others' files find as `io`.
    var libraryIO: LuaReference?
    /// What the script may do and probably does not mean, a line each: `file:line: …`.
    var warnings: [String] = []
    var timerCount = 0
    /// Handlers that the script has registered, of all kinds.
    var handlerCount = 0
    /// Spawned functions that have not ended, or whose end somebody is still to be told of.
    package internal(set) var spawned: [Int: SpawnedFunction] = [:]
    var spawnedCount = 0

    /// Metatables that host objects share, made once a state.
    struct Metatables {
        var message: LuaReference?
        var timer: LuaReference?
        var setting: LuaReference?
        /// `__index` of tasks and clients, for the parts of their requests.
        var taskIndex: LuaReference?
        var clientIndex: LuaReference?
        /// The metatables of clients by id, as long as Lua keeps them.
        var clients: LuaReference?
        /// Of tasks that came without a request.
        var noRequest: LuaReference?
        var headers: LuaReference?
        /// Of what `agenthost.answer` makes; nil until it does.
        var answer: LuaReference?
        /// `__index` of the handles of spawned functions.
        var spawnedIndex: LuaReference?
    }

    /// Loads a script; `interrupt` ends a load that nobody wants any more. Throws, with file and line, on a syntax error,
    /// an error while it runs, a missing agent or a declaration that does not hold together; nothing of it remains then.
    package init(
        snapshot: ScriptSnapshot, agentIndex: Int, number: Int, limits: LuaLimits, host: any ScriptHost,
        eventLoop: any EventLoop, interrupt: LuaInterrupt? = nil,
        settings: @escaping (AgentRequestForSettings) throws(ScriptFailure) -> AgentSettings
    ) throws(ScriptFailure) {
        self.snapshot = snapshot
        self.agentIndex = agentIndex
        self.number = number
        self.host = host
        self.eventLoop = eventLoop
        self.settings = settings
        do {
            state = try LuaState(limits: limits, interrupt: interrupt)
        } catch {
            throw ScriptFailure(error)
        }
        let source = try snapshot.script()
        do throws(LuaError) {
            ScriptModules.install(in: self)
            let stack = state.stack
            pushClientMethods(on: stack)
            try makeClientIndex()
            let chunk = try source.withUnsafeBytesTyped { (bytes) throws(LuaError) in
                try state.compile(bytes, name: snapshot.name)
            }
            try state.call(chunk, budget: limits.load)
            stack.release(chunk)
        } catch {
            let hint = LoadHint.text(for: error.message, in: source, named: snapshot.name)
            throw ScriptFailure(error.message + (hint.map { " (\($0))" } ?? ""), traceback: error.traceback)
        }
        isLoading = false
        guard let declaration else {
            throw ScriptFailure(
                "\(snapshot.name):1: the script declares no agent; call agenthost.agent { … } or agenthost.realtime_agent { … }"
            )
        }
        self.declaration = try declaration.completed(with: handlers)
        self.declaration?.interface.warnings = warnings + accidentalGlobals
        version = snapshot.version
    }

    /// A Lua state with the `agenthost` table and no script in it: for a file of tests, which declares no agent. The
    /// snapshot is where `require` finds modules.
    package init(
        library snapshot: ScriptSnapshot, limits: LuaLimits, host: any ScriptHost, eventLoop: any EventLoop
    ) throws(ScriptFailure) {
        self.snapshot = snapshot
        self.host = host
        self.eventLoop = eventLoop
        agentIndex = 0
        number = 1
        settings = { (_) throws(ScriptFailure) in throw ScriptFailure("a file of tests declares no agent") }
        do {
            state = try LuaState(limits: limits)
        } catch {
            throw ScriptFailure(error)
        }
        ScriptModules.install(in: self)
        isLoading = false
    }

    /// What clients see of the agent.
    package var interface: AgentInterface {
        get throws(ScriptFailure) {
            guard let declaration else { throw ScriptFailure("\(snapshot.name): declares no agent") }
            return declaration.interface
        }
    }

    /// Starts a function of the script in a pooled coroutine; the arguments are pushed by the closure, which returns
    /// how many there are.
    @inline(__always)
    package func begin(
        _ function: LuaReference, context: AnyObject, arguments: (LuaStack) throws -> Int32
    ) rethrows -> (LuaCoroutine, LuaCoroutine.Step) {
        eventLoop.assertInEventLoop()
        let coroutine = state.coroutine()
        coroutine.context = context
        coroutine.stack.push(function)
        do {
            let count = try arguments(coroutine.stack)
            return (coroutine, coroutine.start(arguments: count))
        } catch {
            coroutine.recycle()
            throw error
        }
    }

    /// Frees the Lua state. What the script had registered is gone with it.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        spawned = [:]
        state.close()
    }
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

extension [UInt8] {
    /// `withUnsafeBytes` for a body with a typed error.
    func withUnsafeBytesTyped<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let result: Result<R, E> = withUnsafeBytes { bytes in
            do throws(E) { return .success(try body(bytes)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
