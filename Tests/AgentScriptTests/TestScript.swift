import AgentModel
import AgentScript
import LuaRuntime
import NIOCore
import NIOEmbedded
import TestSupport

/// A script loaded as a worker loads it, with a recording host.
final class TestScript {
    typealias Settings = (AgentRequestForSettings) throws(ScriptFailure) -> AgentSettings

    let folder: ScriptFolder
    let host: RecordingHost
    let generation: Generation

    /// Loads `agent.lua` with the source, other files beside it.
    convenience init(
        _ source: String, files: [String: String] = [:], limits: LuaLimits = LuaLimits(),
        settings: @escaping Settings = TestScript.plainSettings
    ) throws {
        try self.init(
            folder: ScriptFolder(files.merging(["agent.lua": source]) { _, script in script }), limits: limits,
            settings: settings)
    }

    init(
        folder: ScriptFolder, number: Int = 1, limits: LuaLimits = LuaLimits(),
        settings: @escaping Settings = TestScript.plainSettings
    ) throws {
        self.folder = folder
        host = RecordingHost()
        generation = try Generation(
            snapshot: ScriptSnapshot(path: folder.path(of: "agent.lua")), agentIndex: 0, number: number, limits: limits,
            host: host, eventLoop: EmbeddedEventLoop(), settings: settings)
    }

    static var plainSettings: Settings {
        { (request) throws(ScriptFailure) in AgentSettings(serviceName: request.name) }
    }

    var interface: AgentInterface {
        get throws { try generation.interface }
    }

    // MARK: - Calling

    /// Runs a function of the script with the arguments that the closure pushes.
    func run(_ function: LuaReference, _ arguments: (LuaStack) throws -> Int32) rethrows -> ScriptRun {
        let (coroutine, step) = try generation.begin(function, context: host, arguments: arguments)
        return ScriptRun(coroutine, step, of: generation.script)
    }

    func run(_ function: LuaReference) -> ScriptRun { run(function) { _ in 0 } }

    /// Runs a task's handler with an HTTP body.
    func task(_ type: String, body: String = #"{"query":"q"}"#) throws -> ScriptRun {
        try task(type, input: .body(ByteBuffer(string: body)))
    }

    func task(_ type: String, input: TaskRequest.Input, context: RequestContext = .none) throws -> ScriptRun {
        guard let handler = generation.handlers.tasks[type] else { throw ScriptFailure("no task \(type)") }
        let coroutine = generation.state.coroutine()
        coroutine.context = host
        coroutine.stack.push(handler.function)
        do {
            try generation.tasks.push(
                input, context: context, id: "task-1", type: type, showing: handler.fields, on: coroutine.stack)
        } catch {
            coroutine.recycle()
            throw error
        }
        return ScriptRun(coroutine, coroutine.start(arguments: 1), of: generation.script)
    }

    // MARK: - Short scripts

    /// An agent with one task, `probe`, whose handler is the text; the text begins in line 3.
    static func probe(_ body: String, top: String = "", settings: @escaping Settings = plainSettings) throws
        -> TestScript
    {
        try TestScript(probeSource(body, top: top), settings: settings)
    }

    static func probeSource(_ body: String, top: String = "") -> String {
        """
        local agent = agenthost.realtime_agent { name = "probe-agent" } \(top)
        agent:task("probe", function(task)
        \(body)
        end)
        """
    }

    /// What a handler with this text returns.
    static func evaluate(_ body: String, top: String = "") throws -> [JSONValue] {
        let script = try probe(body, top: top)
        return try script.task("probe").results
    }

    /// The message of the error that a handler with this text raises, from line 3 on; nil when it raises none.
    static func failure(_ body: String, top: String = "") throws -> String? {
        let script = try probe(body, top: top)
        if case .failed(let error) = try script.task("probe").state { return error.message }
        return nil
    }

    /// Why a script does not load; nil when it does.
    static func loadFailure(_ source: String, files: [String: String] = [:]) throws -> String? {
        do {
            _ = try TestScript(source, files: files)
            return nil
        } catch let failure as ScriptFailure {
            return failure.message
        }
    }
}

extension Generation {
    /// Starts a function of the script in a pooled coroutine; the arguments are pushed by the closure, which returns
    /// how many there are.
    func begin(
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
}
