package import AgentModel
package import AgentScript
package import LuaRuntime

/// Hears of every run of a function of the scripts, on the worker's loop: its beginning, each of its effects in order, its
/// end. Metrics and the coverage of tests are made of that; a worker without observers asks for nothing.
///
/// The log is not: it tells of a failure once it is known what becomes of it (tried again, claimed by a spawner, a dead
/// letter), and that is later than the end of a run.
package protocol RunObserver: AnyObject {
    func began(_ run: any ObservedRun)
    /// Whether it is told of effects now: records are copied for it.
    var seesEffects: Bool { get }
    /// `run` is nil for what the host sends of itself: a dead letter, an event that tells of a task.
    func performed(_ effect: Effect, _ answer: EffectAnswer, in run: (any ObservedRun)?)
    /// `nanoseconds` since it began, waits included.
    func ended(_ run: any ObservedRun, _ end: RunEnd, nanoseconds: Int64)
    /// No function of this version runs any more in this worker.
    func closed(_ version: Generation)
}

extension RunObserver {
    package func began(_ run: any ObservedRun) {}
    package var seesEffects: Bool { false }
    package func performed(_ effect: Effect, _ answer: EffectAnswer, in run: (any ObservedRun)?) {}
    package func ended(_ run: any ObservedRun, _ end: RunEnd, nanoseconds: Int64) {}
    package func closed(_ version: Generation) {}
}

/// What a run came to.
package enum RunEnd: Sendable, Equatable {
    case returned
    /// Raised an error, ran out of its limits, or waited for too long.
    case failed(String)
    /// Its version was closed, or the host stopped, while it waited.
    case cutOff
}

/// A run as observers see it, during the call.
package protocol ObservedRun: AnyObject {
    var version: Generation { get }
    /// What runs.
    var function: LuaReference { get }
    var name: HandlerName { get }
    /// A function that nobody waits for: it was spawned.
    var isBackground: Bool { get }
    /// Made when it is asked for.
    var cause: Cause { get }
}

/// Several as one.
final class RunObservers: RunObserver {
    private let all: [any RunObserver]

    private init(_ all: [any RunObserver]) { self.all = all }

    /// nil for none.
    static func together(_ observers: [any RunObserver]) -> (any RunObserver)? {
        observers.count > 1 ? RunObservers(observers) : observers.first
    }

    func began(_ run: any ObservedRun) {
        for one in all { one.began(run) }
    }

    var seesEffects: Bool { all.contains(where: \.seesEffects) }

    func performed(_ effect: Effect, _ answer: EffectAnswer, in run: (any ObservedRun)?) {
        for one in all where one.seesEffects { one.performed(effect, answer, in: run) }
    }

    func ended(_ run: any ObservedRun, _ end: RunEnd, nanoseconds: Int64) {
        for one in all { one.ended(run, end, nanoseconds: nanoseconds) }
    }

    func closed(_ version: Generation) {
        for one in all { one.closed(version) }
    }
}
