import AgentModel
import AgentScript
import NIOCore
import NIOEmbedded
import Testing

@testable import AgentWorker

@Suite("Events, timers and clients") struct EventAndTimerTests {
    @Test("a chain of events that would not end is cut, and the emitter is told") func chain() throws {
        let test = try TestWorker(
            """
            agent:on_event('ping', function(event)
              local sent, reason = agent:emit { event_type = 'ping', data = {} }
              if not sent then agent:publish('cut', reason) end
            end)
            """)
        test.worker.inject(type: "ping", data: ByteBuffer(string: "{}"))
        #expect(test.hub.events.count == 16)
        #expect(test.hub.published.count == 1)
    }

    @Test("a chain through agent:process is cut too") func chainOfTasks() throws {
        let test = try TestWorker(
            """
            agent:task('t', function() end)
            agent:on_event('agent_task_completed', function() agent:process('t') end)
            """)
        test.task("t")
        test.loop.run()
        #expect(test.hub.events.count < 100)
        #expect(test.lines.count(containing: "follow from one another") >= 1)
    }

    @Test("agents of one worker hear each other's events, and share topics: acknowledged when both are done")
    func severalAgents() throws {
        let test = try TestWorker([
            "agent:on_message('in', function() agent:emit { event_type = 'seen', data = {} } end)",
            """
            agent:on_message('in', function() agenthost.sleep(5) end)
            agent:on_event('seen', function(event) agent:publish('heard', event.source_agent) end)
            """,
        ])
        let message = test.deliver("in")
        #expect(test.hub.published.map(\.data) == [#""agent-0""#])
        #expect(!message.isAcknowledged)
        test.advance(5)
        #expect(message.acknowledgements == 1)
        #expect(test.laneCount == 0)
    }

    @Test("agent:every runs one interval after the run before, and cancelling it ends it") func every() throws {
        let test = try TestWorker(
            """
            local timer
            local runs = 0
            timer = agent:every(1, function()
              runs = runs + 1
              agent:publish('run', runs)
              agenthost.sleep(1)
              if runs == 3 then timer:cancel() end
            end)
            """)
        for _ in 0..<20 { test.advance(0.5) }
        #expect(test.hub.published.map(\.data) == ["1", "2", "3"])
    }

    @Test("timers of a replaced version do not fire") func retiredTimers() throws {
        let test = try TestWorker("agent:every(1, function() agent:publish('run', 'old') end)")
        test.advance(1)
        try test.activate("agent:after(2, function() agent:publish('run', 'new') end)")
        for _ in 0..<5 { test.advance(1) }
        #expect(test.hub.published.map(\.data) == [#""old""#, #""new""#])
    }

    @Test("a timer that fails is logged and fires again") func failingTimer() throws {
        let test = try TestWorker("agent:every(1, function() error('tick') end)")
        test.advance(1)
        test.advance(1)
        #expect(test.errors == 2)
    }

    @Test("messages of one WebSocket client are handled in order; a failure is told to it") func clients() throws {
        let test = try TestWorker(
            """
            agent:on_websocket('m', function(payload)
              agent:publish('began', payload.n)
              agenthost.sleep(1)
              if payload.n == 2 then error('two') end
            end)
            """)
        let client = TestClient()
        for number in 1...3 {
            let isKnown = test.worker.websocketMessage(
                type: "m", payload: ByteBuffer(string: "{\"n\":\(number)}"), messageID: "id-\(number)", from: client)
            #expect(isKnown)
        }
        #expect(test.hub.published.map(\.data) == ["1"])
        for _ in 0..<3 { test.advance(1) }
        #expect(test.hub.published.map(\.data) == ["1", "2", "3"])
        #expect(client.sent.map(\.type) == ["error"])
        #expect(client.sent.first?.responseTo == "id-2")
        #expect(!test.worker.websocketMessage(type: "x", payload: .null, messageID: "id", from: client))
        #expect(test.laneCount == 0)
    }

    @Test("a client that is closed while its handler runs is told of after that handler") func closedInHandler() throws
    {
        let test = try TestWorker(
            """
            local agent
            agent = agenthost.realtime_agent { name = 'raw', websocket_endpoints = { { path = '/raw',
              on_message = function(client, data)
                agent:publish('order', 'begin')
                agenthost.sleep(1)
                agent:publish('order', 'end')
              end,
              on_close = function(client, code) agent:publish('order', 'close') end } } }
            """)
        let client = TestClient()
        test.hub.onPublish = {
            test.hub.onPublish = {}
            test.worker.rawClosed(path: "/raw", client: client, code: 1006)
        }
        test.worker.rawMessage(path: "/raw", client: client, data: ByteBuffer(string: "x"), binary: false)
        test.advance(1)
        #expect(test.hub.published.map(\.data) == [#""begin""#, #""end""#, #""close""#])
        #expect(test.laneCount == 0)
    }
}
