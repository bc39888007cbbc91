import Testing

@testable import Delivery

@Suite("A message that several handlers have") struct MessageShareTests {
    /// What is left of those that have it: agents, which may have several handlers still, and handlers.
    private struct Rest: Hashable {
        var agents: Int
        var handlers: Int
    }

    private enum Step: CaseIterable {
        case agentDone, agentSplitsInTwo, agentHasNoneLeft, handlerDone, handlerSplitsInTwo
    }

    @Test("is done when the last of them is, whatever the order in which they split and end", arguments: [1, 2, 3])
    func everyOrder(agents: Int) {
        var orders = 0
        /// A share is an object: each order goes through one of its own.
        func go(_ steps: [Step], _ rest: Rest) {
            guard rest.agents + rest.handlers > 0 else {
                orders += 1
                let told = play(steps, agents)
                if told != steps.indices.map({ $0 == steps.count - 1 }) { Issue.record("\(steps): \(told)") }
                return
            }
            guard steps.count < 8 else { return }
            for step in Step.allCases {
                var rest = rest
                switch step {
                case .agentDone, .agentHasNoneLeft: rest.agents -= 1
                case .agentSplitsInTwo:
                    rest.agents -= 1
                    rest.handlers += 2
                case .handlerDone: rest.handlers -= 1
                case .handlerSplitsInTwo: rest.handlers += 1
                }
                let isOfAgent = step == .agentDone || step == .agentHasNoneLeft || step == .agentSplitsInTwo
                guard rest.agents >= 0, rest.handlers >= (isOfAgent ? 0 : step == .handlerDone ? 0 : 2) else {
                    continue
                }
                go(steps + [step], rest)
            }
        }
        go([], Rest(agents: agents, handlers: 0))
        #expect(orders >= 10)
    }

    /// For each step, whether it was told to be the last.
    private func play(_ steps: [Step], _ agents: Int) -> [Bool] {
        let share = MessageShare(agents: agents)
        return steps.map { step in
            switch step {
            case .agentSplitsInTwo, .handlerSplitsInTwo:
                share.split(into: 2)
                return false
            case .agentDone, .agentHasNoneLeft, .handlerDone: return share.isLast()
            }
        }
    }

    @Test("goes to each handler of each agent once") func once() {
        let share = MessageShare(agents: 2)
        let first = [(0, "a/#"), (0, "a/b"), (1, "a/#"), (0, "a/#"), (1, "a/#")].map(share.isFirst)
        #expect(first == [true, true, true, false, false])
    }
}
