package import NIOCore

/// Keeps what agents put into `agenthost.store`, for each agent by its name.
package protocol AgentStores: AnyObject, Sendable {
    /// Calls back on the loop, never before this returns: with an answer once what was asked for would survive the end of
    /// the machine, else with why it is not so.
    func perform(
        _ request: StoreRequest, of agent: String, on loop: any EventLoop,
        completion: @escaping (Result<StoreAnswer, DeliveryFailure>) -> Void)
}

/// Where nothing can be kept.
package final class NoStores: AgentStores {
    package init() {}

    package func perform(
        _ request: StoreRequest, of agent: String, on loop: any EventLoop,
        completion: @escaping (Result<StoreAnswer, DeliveryFailure>) -> Void
    ) {
        loop.assumeIsolated().execute {
            completion(.failure(DeliveryFailure("there is no folder to keep a store in: set STATE_PATH")))
        }
    }
}
