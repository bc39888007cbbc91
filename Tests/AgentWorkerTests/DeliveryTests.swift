import AgentModel
import AgentScript
import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import AgentWorker

@Suite("Acknowledged means done") struct DeliveryTests {
    @Test("a message is acknowledged once, when its handler has returned") func plain() throws {
        let test = try TestWorker("agent:on_message('in', function(data) assert(data.n == 1) end)")
        let message = test.deliver("in", #"{"n":1}"#)
        #expect(message.acknowledgements == 1)
        #expect(test.laneCount == 0)
        #expect(test.worker.figures().messagesUnderWay == 0)
    }

    @Test("a message waits for every effect of its handler") func waitsForEffects() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function()
              agent:send_kafka('out', 'a')
              agent:send_mqtt('out', 'b')
            end)
            """)
        let message = test.deliver("in")
        #expect(!message.isAcknowledged)
        test.kafka.settleAll()
        #expect(!message.isAcknowledged)
        test.mqtt.settleAll()
        #expect(message.acknowledgements == 1)
    }

    @Test("an effect that settles while its handler still waits does not acknowledge the message") func settlesEarly()
        throws
    {
        let test = try TestWorker(
            "agent:on_message('in', function() agent:send_kafka('out', 'a') agenthost.sleep(1) end)")
        let message = test.deliver("in")
        test.kafka.settleAll()
        #expect(!message.isAcknowledged)
        test.advance(1)
        #expect(message.acknowledgements == 1)
    }

    @Test("an answer that is there before the script waits for it comes when it does") func answerAtOnce() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function()
              local inner = coroutine.wrap(function() return agenthost.http.get('http://a/').body end)()
              local answer = agenthost.http.get('http://b/')
              agent:send_kafka('out', inner .. answer.status)
            end)
            """)
        test.outbound.answersAtOnce = true
        let message = test.deliver("in")
        #expect(test.kafka.sent.map(\.text) == ["{}200"])
        test.kafka.settleAll()
        #expect(message.acknowledgements == 1)
    }

    @Test("handlers of the events that a handler emits belong to the message") func events() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function() agent:emit { event_type = 'seen', data = {} } end)
            agent:on_event('seen', function() agenthost.sleep(1) agent:send_kafka('out', 'a') end)
            """)
        let message = test.deliver("in")
        test.advance(1)
        #expect(!message.isAcknowledged)
        test.kafka.settleAll()
        #expect(message.acknowledgements == 1)
        #expect(test.hub.eventTypes == ["seen"])
    }

    @Test("an event handler that fails makes the message be tried again") func failingEventHandler() throws {
        let test = try TestWorker(
            """
            local failures = 1
            agent:on_message('in', function() agent:emit { event_type = 'seen', data = {} } end)
            agent:on_event('seen', function() if failures > 0 then failures = 0 error('no') end end)
            """)
        let message = test.deliver("in")
        #expect(!message.isAcknowledged)
        test.advance(0.2)
        #expect(message.acknowledgements == 1)
        #expect(test.hub.eventTypes == ["seen", "seen"])
    }

    @Test("what a handler spawns holds the acknowledgement, not the next message") func spawned() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function()
              agenthost.spawn(function(text) agenthost.sleep(1) agent:send_kafka('out', text) end, 'late')
            end)
            """)
        let first = test.deliver("in")
        let second = test.deliver("in", offset: 1)
        #expect(!first.isAcknowledged && !second.isAcknowledged)
        #expect(test.laneCount == 0)
        test.advance(1)
        #expect(test.kafka.texts("out") == ["late", "late"])
        #expect(!first.isAcknowledged && !second.isAcknowledged)
        test.kafka.settleAll()
        #expect(first.acknowledgements == 1 && second.acknowledgements == 1)
    }

    @Test("what a message spawned cannot hold it longer than TASK_TIMEOUT") func spawnedForEver() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function()
              agenthost.spawn(function() while true do agenthost.sleep(1) end end)
            end, { attempts = 1, on_error = 'skip' })
            """,
            settings: { $0.taskTimeout = 5 })
        let message = test.deliver("in")
        test.advance(4.5)
        #expect(!message.isAcknowledged)
        test.advance(1)
        #expect(message.acknowledgements == 1)
        #expect(test.errors >= 1)
    }

    @Test("flush waits for the effects so far, and tells of a failure once") func flush() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function() end)
            agent:after(0, function()
              for number = 1, 3 do
                agent:send_kafka('out', tostring(number))
                local done, reason = agent:flush()
                agent:publish('told', tostring(done) .. ' ' .. tostring(reason))
              end
            end)
            """)
        test.advance(0)
        #expect(test.hub.published.isEmpty)
        test.kafka.settleAll()
        test.kafka.settleAll(DeliveryFailure("full"))
        test.kafka.settleAll()
        #expect(test.hub.published.map(\.data) == [#""true nil""#, #""nil full""#, #""true nil""#])
    }

    @Test("a task's effect that is not delivered is logged and counted") func looseFailure() throws {
        let test = try TestWorker("agent:task('t', function() agent:send_kafka('out', 'a') return 1 end)")
        test.task("t")
        test.kafka.settleAll(DeliveryFailure("the broker is away"))
        #expect(test.lines.count(containing: "the broker is away") == 1)
        #expect(test.errors == 1)
    }

    @Test("an effect without its broker is refused with nil and a reason, and the message is done") func refused()
        throws
    {
        let test = try TestWorker(
            """
            agent:on_message('in', function()
              local sent, reason = agent:send_kafka('out', 'a')
              assert(sent == nil and reason:find('not configured'))
            end)
            """, kafka: false)
        #expect(test.deliver("in", source: .mqtt).acknowledgements == 1)
    }

    @Test("a record that cannot be queued makes the message be tried again") func notQueued() throws {
        let test = try TestWorker("agent:on_message('in', function() agent:send_kafka('out', 'a') end)")
        test.kafka.refusal = "the queue is full"
        let message = test.deliver("in")
        #expect(!message.isAcknowledged)
        test.kafka.refusal = nil
        test.advance(0.2)
        test.kafka.settleAll()
        #expect(message.acknowledgements == 1)
        #expect(test.kafka.texts("out") == ["a"])
    }

    @Test("a message of a partition that was taken away is neither begun nor acknowledged") func notCurrent() throws {
        let test = try TestWorker(
            "agent:on_message('in', function(data) agent:publish('ran', data) agenthost.sleep(1) end)")
        let first = test.deliver("in", #"{"n":1}"#)
        let second = test.deliver("in", #"{"n":2}"#, offset: 1)
        second.isCurrent = false
        let third = test.deliver("in", #"{"n":3}"#, offset: 2)
        test.advance(1)
        test.advance(1)
        #expect(test.hub.published.map(\.data) == [#"{"n":1}"#, #"{"n":3}"#])
        #expect(first.isAcknowledged && !second.isAcknowledged && third.isAcknowledged)
        #expect(test.laneCount == 0)
    }

    @Test("a message without a handler becomes an event") func withoutHandler() throws {
        let test = try TestWorker("agent:task('t', function() end)", settings: { $0.topics[.kafka] = ["in"] })
        let message = test.deliver("in", "plain", partition: 2, offset: 7)
        #expect(message.acknowledgements == 1)
        #expect(test.hub.eventTypes == ["data_processed"])
        let data = test.hub.events.first.map { String(buffer: $0.data) }
        #expect(data == #"{"topic":"in","message":"plain","partition":2,"offset":7}"#)
    }

    @Test("messages that come before there is a script wait for it") func beforeTheScript() throws {
        let test = try TestWorker([""], serves: false)
        let messages = (0..<3).map { test.deliver("in", "\($0)", offset: Int64($0)) }
        #expect(messages.allSatisfy { !$0.isAcknowledged })
        try test.activate("agent:on_message('in', function(data) agent:publish('ran', data) end)")
        #expect(messages.allSatisfy { $0.acknowledgements == 1 })
        #expect(test.hub.published.map(\.data) == ["0", "1", "2"])
        #expect(test.laneCount == 0)
    }

    @Test("a hundred thousand messages leave nothing behind") func soak() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function(data)
              agent:send_kafka('out', data)
              if data.n % 100 == 0 then agent:after(0.001, function() end) end
            end)
            """)
        test.kafka.acknowledges = true
        var acknowledged = 0
        var memory = 0
        for number in 1...100_000 {
            let message = TestMessage("in", "{\"n\":\(number)}", partition: Int32(number % 8))
            test.worker.receive(message)
            acknowledged += message.acknowledgements
            if number % 1000 == 0 { test.advance(0.01) }
            if number == 20_000 { memory = test.worker.figures().agents[0].luaMemory }
        }
        #expect(acknowledged == 100_000)
        #expect(test.kafka.sent.count == 100_000)
        #expect(test.laneCount == 0)
        #expect(test.worker.figures().messagesUnderWay == 0)
        #expect(test.worker.figures().agents[0].luaMemory < memory * 2)
    }
}
