import AgentModel
import Testing

@testable import Delivery

@Suite("A scope") struct ScopeTests {
    private static let parts: [Scope.Part] = [.handler, .spawned, .effect]

    /// Every order in which parts begin and end, eight steps long.
    @Test("closes once when all that began has ended, in every order, and once more when it was opened again")
    func everyOrder() {
        var orders = 0
        func go(_ scope: Scope, _ open: [Int], _ steps: Int) {
            orders += 1
            guard steps > 0 else { return }
            for (index, part) in Self.parts.enumerated() {
                var begun = scope
                begun.begin(part)
                var open = open
                open[index] += 1
                var closing = begun
                if closing.close() { Issue.record("\(open) is open, and it closed") }
                go(begun, open, steps - 1)
            }
            for (index, part) in Self.parts.enumerated() where open[index] > 0 {
                var ended = scope
                let isLast = ended.end(part)
                var open = open
                open[index] -= 1
                let isDone = open == [0, 0, 0]
                if ended.close() != isDone { Issue.record("\(open) is open, or is not") }
                if ended.close() { Issue.record("it closed twice") }
                if isLast != (open[index] == 0) || ended.hasEffects != (open[2] > 0) {
                    Issue.record("\(open) is open")
                }
                go(ended, open, steps - 1)
            }
        }
        go(Scope(), [0, 0, 0], 7)
        #expect(orders > 10_000)
    }

    @Test("is not closed where nothing began") func nothing() {
        var scope = Scope()
        let hasClosed = scope.close()
        #expect(!hasClosed)
    }

    @Test("keeps the first failure, and tells a flush only of what failed since the one before") func failures() {
        var scope = Scope()
        scope.fail(DeliveryFailure("first"))
        scope.fail(DeliveryFailure("second"))
        #expect(scope.failure?.description == "first")
        let first = [scope.takeUnreported(), scope.takeUnreported()]
        scope.fail(DeliveryFailure("third"))
        let second = scope.takeUnreported()
        #expect(first.map { $0?.description } == ["first", nil] && second?.description == "third")
        #expect(scope.failure?.description == "first")
        #expect(scope.hasFailed)
    }
}
