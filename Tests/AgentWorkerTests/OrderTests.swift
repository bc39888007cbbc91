import AgentModel
import AgentScript
import NIOCore
import NIOEmbedded
import Testing

@testable import AgentWorker

@Suite("Order") struct OrderTests {
    private static let waiting = """
        agent:on_message('in', function(data) agent:publish('began', data) agenthost.sleep(1) agent:publish('ended', data) end)
        """

    @Test("messages of one partition are handled one after another, other partitions beside them") func lanes() throws {
        let test = try TestWorker(Self.waiting)
        test.deliver("in", "1", partition: 0)
        test.deliver("in", "2", partition: 0, offset: 1)
        test.deliver("in", "3", partition: 1)
        #expect(test.hub.published.map(\.data) == ["1", "3"])
        test.advance(1)
        #expect(test.hub.published.map(\.data) == ["1", "3", "1", "2", "3"])
        test.advance(1)
        #expect(test.hub.published.map(\.data).last == "2")
        #expect(test.laneCount == 0)
    }

    @Test("the next message begins while the effects of the one before are on their way") func pipelined() throws {
        let test = try TestWorker("agent:on_message('in', function(data) agent:send_kafka('out', data) end)")
        let messages = (0..<5).map { test.deliver("in", "\($0)", offset: Int64($0)) }
        #expect(test.kafka.texts("out") == ["0", "1", "2", "3", "4"])
        test.kafka.settleLast()
        #expect(messages.map(\.acknowledgements) == [0, 0, 0, 0, 1])
        test.kafka.settleAll()
        #expect(messages.allSatisfy { $0.acknowledgements == 1 })
    }

    @Test("a failing message is not overtaken by those behind it") func retryIsNotOvertaken() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function(data, message)
              if data == 1 and message.attempt < 3 then error('not yet') end
              agent:publish('done', data)
            end)
            """)
        for number in 1...3 { test.deliver("in", "\(number)", offset: Int64(number)) }
        #expect(test.hub.published.isEmpty)
        test.advance(0.2)
        #expect(test.hub.published.isEmpty)
        test.advance(0.4)
        #expect(test.hub.published.map(\.data) == ["1", "2", "3"])
        #expect(test.laneCount == 0)
    }

    @Test("handlers of a message's events end before the next message begins") func eventsFirst() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function(data)
              agent:publish('order', 'm' .. data)
              agent:emit { event_type = 'e', data = { n = data } }
              agenthost.sleep(1)
            end)
            agent:on_event('e', function(event) agenthost.sleep(2) agent:publish('order', 'e' .. event.data.n) end)
            """)
        for number in 1...3 { test.deliver("in", "\(number)", offset: Int64(number)) }
        for _ in 0..<9 { test.advance(1) }
        #expect(test.hub.published.map(\.data) == [#""m1""#, #""e1""#, #""m2""#, #""e2""#, #""m3""#, #""e3""#])
        #expect(test.laneCount == 0)
    }

    @Test("messages whose delivery failed are tried again in their order, before any that had not begun")
    func deliveryFailures() throws {
        let test = try TestWorker(
            "agent:on_message('in', function(data, message) agent:send_kafka('out', data .. '/' .. message.attempt) end)"
        )
        let messages = (1...3).map { test.deliver("in", "\($0)", offset: Int64($0)) }
        // The second answer comes first.
        test.kafka.settleLast(DeliveryFailure("away"))
        test.kafka.settleFirst(DeliveryFailure("away"))
        let late = test.deliver("in", "4", offset: 4)
        test.advance(0.2)
        #expect(test.kafka.texts("out") == ["1/1", "2/1", "3/1", "1/2", "3/2", "4/1"])
        test.kafka.settleAll()
        #expect((messages + [late]).map(\.acknowledgements) == [1, 1, 1, 1])
        #expect(test.laneCount == 0)
    }

    @Test("a retry after a failed delivery waits for the handler that runs in its lane") func noOverlap() throws {
        let test = try TestWorker(
            """
            local running = 0
            agent:on_message('in', function(data)
              running = running + 1
              assert(running == 1, 'two at once')
              if data == 1 then agent:send_kafka('out', 'x') else agenthost.sleep(5) end
              running = running - 1
            end, { attempts = 2, on_error = 'skip' })
            """)
        let first = test.deliver("in", "1")
        test.deliver("in", "2", offset: 1)
        test.kafka.settleAll(DeliveryFailure("away"))
        test.advance(1)
        #expect(test.kafka.sent.count == 1)
        test.advance(4)
        #expect(test.kafka.sent.count == 2)
        test.kafka.settleAll()
        #expect(first.acknowledgements == 1)
        #expect(test.lines.count(containing: "two at once") == 0)
        #expect(test.laneCount == 0)
    }

    @Test("concurrency lets so many of a lane run at once") func concurrency() throws {
        let test = try TestWorker(
            "agent:on_message('in', function(data) agent:publish('began', data) agenthost.sleep(1) end, { concurrency = 2 })"
        )
        let messages = (1...5).map { test.deliver("in", "\($0)", offset: Int64($0)) }
        #expect(test.hub.published.count == 2)
        test.advance(1)
        #expect(test.hub.published.count == 4)
        test.advance(1)
        test.advance(1)
        #expect(messages.allSatisfy { $0.acknowledgements == 1 })
        #expect(test.laneCount == 0)
    }

    @Test("a long queue gives others their turn on the loop, and keeps its order") func longQueue() throws {
        let test = try TestWorker(
            "agent:on_message('in', function(data) if data == 0 then agenthost.sleep(1) end agent:publish('n', data) end)"
        )
        let messages = (0..<1000).map { test.deliver("in", "\($0)", offset: Int64($0)) }
        test.advance(1)
        test.loop.run()
        #expect(messages.allSatisfy { $0.acknowledgements == 1 })
        #expect(test.hub.published.map(\.data) == (0..<1000).map(String.init))
        #expect(test.laneCount == 0)
    }

    @Test(
        "a handler that goes on at once after each wait leaves others their turn",
        arguments: ["agent:flush()", "agent:publish('t', 1) agent:flush()", "agent:process('inner', {})"])
    func endlessHandler(step: String) throws {
        let test = try TestWorker(
            """
            agent:task('inner', function() end)
            agent:task('goes on', function()
              local others
              agenthost.spawn(function() others = true end)
              for step = 1, 10000 do
                \(step)
                if others then return 'others ran' end
              end
              return 'alone'
            end)
            """)
        let task = test.task("goes on")
        test.loop.run()
        #expect(task.json == #""others ran""#)
    }
}
