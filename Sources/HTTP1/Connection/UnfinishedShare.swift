/// What one connection holds of requests and messages that have not ended, as the budget of all counts it.
struct UnfinishedShare {
    private let budget: ConnectionBudget
    private var bytes = 0

    init(of budget: ConnectionBudget) { self.budget = budget }

    /// From now on it holds so many bytes; false when all connections together hold too much, and this one wanted more.
    mutating func hold(_ bytes: Int) -> Bool {
        guard bytes != self.bytes else { return true }
        let isTaken = budget.hold(bytes - self.bytes)
        self.bytes = bytes
        return isTaken
    }

    mutating func release() {
        budget.release(bytes)
        bytes = 0
    }
}
