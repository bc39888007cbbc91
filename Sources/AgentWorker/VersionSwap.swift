import AgentScript

/// One agent's change from one version to the next on one worker, as a value: it is told what has happened and answers
/// what is to be done. While it is under way nothing of the agent begins; messages and tasks wait.
///
///     quieting ──▶ starting ──▶ ready ──▶ over
///         │            │          │        ▲
///         └────────────┴──────────┴────────┘ the version before goes on
struct VersionSwap {
    enum Phase: Equatable {
        /// Handlers of the version in service are under way; their last changes of the state are waited for.
        case quieting
        /// The new version has its copy of the state, and its `on_start` functions run.
        case starting
        /// The new version waits for the other workers.
        case ready
        case over
    }

    enum Event {
        /// Handlers may have ended; whether any is still under way.
        case looked(isQuiet: Bool)
        /// The time is up in which a moment without a handler is waited for.
        case patienceEnded
        /// The state was copied and the `on_start` functions have run, or why not.
        case started(ScriptFailure?)
        /// All workers are ready.
        case commit
        /// Another worker failed, a newer version was saved, or the host stops.
        case abandon(ScriptFailure)
    }

    enum Action {
        /// There is nothing to do yet, or any more.
        case none
        /// Copy the state, once, and run the `on_start` functions on the copy.
        case start
        /// Tell that this worker is ready.
        case announce
        /// Put the new version in service.
        case serve
        /// Free the new version; the one before, which has not been touched, goes on.
        case restore(ScriptFailure)
    }

    private(set) var phase = Phase.quieting

    mutating func handle(_ event: Event) -> Action {
        switch (phase, event) {
        case (.quieting, .looked(isQuiet: true)), (.quieting, .patienceEnded):
            phase = .starting
            return .start
        case (.starting, .started(nil)):
            phase = .ready
            return .announce
        case (.ready, .commit):
            phase = .over
            return .serve
        case (.starting, .started(let failure?)):
            phase = .over
            return .restore(failure)
        case (.quieting, .abandon(let failure)), (.starting, .abandon(let failure)), (.ready, .abandon(let failure)):
            phase = .over
            return .restore(failure)
        default:
            return .none
        }
    }
}
