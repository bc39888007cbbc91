import Testing

@testable import AgentWorker

@Suite("Counters of an agent") struct CounterTests {
    @Test("are the sums of what its workers have counted; the last activity is the latest of all") func sums() async {
        let counters = AgentCounters()
        #expect(counters.messages == 0)
        #expect(counters.lastActivity == 0)
        await withTaskGroup(of: Void.self) { group in
            for worker in 1...4 {
                let own = counters.ofNewWorker()
                group.addTask {
                    for _ in 0..<10_000 { own.countMessage(at: Int64(worker)) }
                    own.countError()
                    own.stoppedLanes.add(2)
                    own.stoppedLanes.add(-1)
                }
            }
        }
        #expect(counters.messages == 40_000)
        #expect(counters.errors == 4)
        #expect(counters.stoppedLanes == 4)
        #expect(counters.lastActivity == 4)
        #expect(counters.retries == 0)
    }
}
