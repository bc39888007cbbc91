import AgentModel
import AgentScript
import CoreMetrics
import LuaRuntime

/// Measures how long handlers take.
final class HandlerDurations: RunObserver {
    private let factory: any MetricsFactory
    private var versions: [ObjectIdentifier: VersionDurations] = [:]
    /// The version that ran last: mostly the next one too.
    private var last: VersionDurations?

    init(factory: any MetricsFactory) {
        self.factory = factory
    }

    func ended(_ run: any ObservedRun, _ end: RunEnd, nanoseconds: Int64) {
        durations(of: run.version).timer(of: run).recordNanoseconds(nanoseconds)
    }

    func closed(_ version: Generation) {
        if last?.version === version { last = nil }
        versions.removeValue(forKey: ObjectIdentifier(version))?.end()
    }

    private func durations(of version: Generation) -> VersionDurations {
        if let last, last.version === version { return last }
        let durations = versions[ObjectIdentifier(version)] ?? VersionDurations(of: version, factory: factory)
        versions[ObjectIdentifier(version)] = durations
        last = durations
        return durations
    }
}

/// Those of one version. A handler's timer is made when it first runs; from then on it is found by the function's number,
/// without a string and without a hash.
private final class VersionDurations {
    let version: Generation
    private static let label = "agenthost_handler_duration_seconds"

    private let factory: any MetricsFactory
    private let agent: String
    /// Of functions that stay registered as long as the generation lives, by the numbers of their references.
    private var registered: [(any TimerHandler)?] = []
    /// Of functions that come and go, by what calls them.
    private var passing: [(kind: String, name: String, timer: any TimerHandler)] = []

    init(of generation: Generation, factory: any MetricsFactory) {
        self.factory = factory
        version = generation
        agent = generation.declaration?.interface.name ?? ""
    }

    func timer(of run: any ObservedRun) -> any TimerHandler {
        let function = run.function
        let number = function.number
        if number < registered.count, let timer = registered[number] { return timer }
        let name = run.name
        switch name {
        case .function(let name): return passing("function", name.description)
        case .spawned: return passing("function", "spawned function")
        case .message, .task, .event, .websocket, .raw:
            let (kind, shown) = Self.dimensions(of: function, name, in: version.handlers)
            let timer = make(kind, shown)
            while registered.count <= number { registered.append(nil) }
            registered[number] = timer
            return timer
        }
    }

    /// The version has left this worker.
    func end() {
        for timer in registered { timer.map(factory.destroyTimer) }
        for entry in passing { factory.destroyTimer(entry.timer) }
        registered = []
        passing = []
    }

    private func passing(_ kind: String, _ name: String) -> any TimerHandler {
        if let known = passing.first(where: { $0.kind == kind && $0.name == name }) { return known.timer }
        let timer = make(kind, name)
        passing.append((kind, name, timer))
        return timer
    }

    private func make(_ kind: String, _ handler: String) -> any TimerHandler {
        factory.makeTimer(
            label: Self.label,
            dimensions: [("agent", agent), ("kind", kind), ("handler", handler), ("version", version.version)])
    }

    /// As registered: topics below a wildcard, and types of events for `*`, are without number.
    private static func dimensions(
        of function: LuaReference, _ name: HandlerName, in handlers: HandlerTable
    ) -> (kind: String, handler: String) {
        switch name {
        case .message(let topic):
            ("message", handlers.messages.first { $0.function == function }?.filter.text ?? topic)
        case .task(let type, _): ("task", type)
        case .event(let type, _, _):
            ("event", handlers.events["*"]?.contains(function) == true ? "*" : type)
        case .websocket(let type, _): ("websocket", type)
        case .raw(let function, let path): ("raw", "\(function) \(path)")
        case .function, .spawned: ("function", name.description)
        }
    }
}
