package import AgentModel
import AgentScript
import NIOCore

extension Worker {
    /// What all candidates together want of brokers.
    package func candidateSubscriptions() -> Subscriptions {
        loop.preconditionInEventLoop()
        return slots.reduce(into: Subscriptions()) { subscriptions, slot in
            guard let generation = slot.candidate?.generation, let declaration = generation.declaration else { return }
            subscriptions.formUnion(
                Subscriptions(generation.handlers, declaration.settings, generation.snapshot))
        }
    }

    /// What the candidate of an agent declares, or the version in service where there is no candidate.
    package func description(agent: Int) -> AgentDescription? {
        loop.preconditionInEventLoop()
        let generation = slots[agent].candidate?.generation ?? slots[agent].live?.generation
        return generation.flatMap(AgentDescription.init)
    }

    /// What the agents in service declare.
    package func descriptions() -> [AgentDescription] { slots.indices.compactMap { description(agent: $0) } }
}
