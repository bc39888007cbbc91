package import AgentModel
package import LuaRuntime

/// Severity of a line that a script logs.
package enum ScriptLogLevel: String, Sendable {
    case debug, info, warn, error

    /// The source of log lines that scripts have asked for, which tells them from those of the host.
    package static let source = "script"
}

/// What a script's functions ask of the worker that runs them. All calls are on the worker's loop.
package protocol ScriptHost: AnyObject {
    /// What scripts may send to and hear from.
    var transports: [TransportTraits] { get }

    /// Performs an effect; its delivery belongs to the invocation that runs now.
    func perform(_ effect: Effect, in script: ScriptContext) -> EffectAnswer

    /// As `perform`, for a record whose bytes are where the script has them.
    func send(_ record: borrowing RecordView, to transport: TransportName, in script: ScriptContext) -> EffectAnswer

    /// Whether anyone gets what is published so; for an event of the type also a handler.
    func hears(_ publication: Publication, eventType: String?, in script: ScriptContext) -> Bool

    /// How many of these the script has in its worker. Also called while a script loads.
    func count(of demand: ScriptDemand, in script: ScriptContext) -> Int

    /// The running coroutine has yielded; the host resumes it when what it waits for is there.
    func wait(_ wait: ScriptWait, in script: ScriptContext)

    /// Runs a function of the script (on top of the stack with its `arguments`, all popped) as a coroutine of its own, and
    /// tells `spawned` what it came to.
    func spawn(_ spawned: SpawnedFunction, arguments: Int32, from stack: LuaStack, in script: ScriptContext)

    /// `fields` have the types that they have in the script.
    func log(_ level: ScriptLogLevel, _ message: String, fields: [String: JSONValue], in script: ScriptContext)

    /// A timer was declared while the script was already running (`agent:after` in a handler).
    func schedule(_ timer: ScriptTimer, in script: ScriptContext)
    func cancel(_ timer: ScriptTimer, in script: ScriptContext)

    /// The secrets of the configured platform, by setting name; nil when no platform is configured.
    /// Also called while a script loads.
    func platformSecrets() -> (platform: String, values: [String: JSONValue])?

    /// Milliseconds since 1970, by the clock that the script sees.
    func now() -> Int64
    /// A new UUID.
    func identifier() -> String
}

/// What an agent may have only so many of at one time.
package enum ScriptDemand: Sendable {
    /// Functions of the script that run, wait, or are to begin.
    case invocation
    case timer
    /// HTTP requests.
    case request
}

/// What a coroutine waits for.
package enum ScriptWait {
    /// Seconds.
    case sleep(Double)
    case http(HTTPCall)
    /// Every effect so far of the invocation has settled.
    case flush
    /// The secrets of a platform other than the configured one.
    case secrets(platform: String)
    /// A task of the same agent; its payload is at the top of the coroutine's stack when the wait begins.
    case task(type: String, payload: LuaReference)
    /// The end of a spawned function.
    case spawned(SpawnedFunction)
    /// The first results of functions that run beside one another, or the first failure. The references are the host's.
    case gather([LuaReference])
    /// The bytes of a file.
    case file(ScriptFile)
    /// An answer of the agent's store.
    case store(StoreRequest)
}

/// `agent:every` and `agent:after`.
package final class ScriptTimer {
    package let identifier: Int
    /// Seconds.
    package let interval: Double
    package let repeats: Bool
    package let function: LuaReference
    package var isCancelled = false

    package init(identifier: Int, interval: Double, repeats: Bool, function: LuaReference) {
        self.identifier = identifier
        self.interval = interval
        self.repeats = repeats
        self.function = function
    }
}

extension ScriptHost {
    package var transports: [TransportTraits] { TransportTraits.all }

    package func send(
        _ record: borrowing RecordView, to transport: TransportName, in script: ScriptContext
    ) -> EffectAnswer {
        perform(.send(transport, Record(record)), in: script)
    }
}
