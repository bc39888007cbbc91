import Delivery
import NIOCore
import NIOEmbedded
import Testing

@Suite("What runs when on a worker's loop") struct RunQueueTests {
    private let loop = EmbeddedEventLoop()
    private let queue: RunQueue
    private let order = Order()

    private final class Order {
        var names: [String] = []
    }

    init() {
        queue = RunQueue(loop: loop, pause: .zero)
    }

    private func note(_ name: String) -> () -> Void {
        { [order] in order.names.append(name) }
    }

    @Test("what a work puts off runs after it, what scripts ask for last")
    func turns() {
        queue.goOn {
            queue.laterInTurn(note("asked for"))
            queue.later(note("put off"))
            queue.goOn { queue.later(note("put off within")) }
            #expect(order.names.isEmpty && !queue.mayRunNow)
            note("work")()
        }
        #expect(order.names == ["work", "put off", "put off within", "asked for"])
        #expect(queue.mayRunNow && queue.isEmpty)
    }

    @Test("nested does not run what was put off")
    func nested() {
        queue.nested { queue.later(note("put off")) }
        #expect(order.names.isEmpty && !queue.isEmpty)
        queue.drain()
        #expect(order.names == ["put off"])
    }

    @Test("of works that put off another each, 50 go before what waits, and after 1,000 the sockets have their turn")
    func fairness() {
        var count = 0
        func again() {
            count += 1
            if count < 3000 { queue.later { again() } }
        }
        var countsAtAsked: [Int] = []
        queue.goOn {
            queue.later { again() }
            for _ in 0..<2 { queue.laterInTurn { countsAtAsked.append(count) } }
        }
        #expect(countsAtAsked == [50, 100])
        #expect(count == 998, "1,000 works, two of them asked for")
        loop.run()
        #expect(count == 3000)
    }

    @Test("what is cleared does not run")
    func clear() {
        queue.nested {
            queue.later(note("put off"))
            queue.laterInTurn(note("asked for"))
            queue.clear()
        }
        queue.drain()
        #expect(order.names.isEmpty)
    }
}
