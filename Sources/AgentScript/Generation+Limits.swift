import AgentModel
import LuaRuntime

/// How much of everything an agent may have at one time.
extension Generation {
    /// Handlers that an agent may register, of all kinds together. Each of them is looked at now and then.
    static let mostHandlers = 10_000

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

    /// One handler more is registered.
    func countHandler() throws(LuaFailure) {
        guard handlerCount < Self.mostHandlers else {
            throw LuaFailure(
                "an agent registers at most \(Self.mostHandlers) handlers, and this one has registered them")
        }
        handlerCount += 1
    }
}
