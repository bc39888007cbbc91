import Testing

@testable import Delivery

@Suite("A lane") struct LaneTests {
    private func lane(_ works: [Int]) -> Lane<Int> {
        let lane = Lane<Int>(LaneKey(agent: 0, name: "in"))
        for work in works { lane.enqueue(work) }
        return lane
    }

    private func takeAll(_ lane: Lane<Int>) -> [Int] {
        var taken: [Int] = []
        while let next = lane.next {
            lane.begin()
            taken.append(next)
        }
        return taken
    }

    @Test("gives turns in the order of arrival, to what is tried again before what never began") func order() {
        let lane = lane([4, 5])
        for work in [2, 1, 3] { lane.enqueueAgain(work, sequence: work) }
        #expect(takeAll(lane) == [1, 2, 3, 4, 5])
        #expect(lane.busy == 5)
    }

    @Test("is unused when nothing waits, runs or is to come") func unused() {
        let lane = lane([1])
        #expect(!lane.isEmpty)
        lane.begin()
        #expect(!lane.isEmpty)
        lane.busy -= 1
        #expect(lane.isEmpty)
        lane.isScheduled = true
        #expect(!lane.isEmpty)
        lane.isScheduled = false
        lane.enqueueAgain(1, sequence: 1)
        #expect(!lane.isEmpty)
    }

    @Test("stands still until what stopped it is taken") func stopped() {
        let lane = lane([3])
        lane.stop(at: 1)
        lane.stop(at: 2)
        #expect(lane.isStopped)
        #expect(lane.takeStopped() == [1, 2])
        #expect(!lane.isStopped && lane.takeStopped().isEmpty)
        #expect(takeAll(lane) == [3])
    }
}
