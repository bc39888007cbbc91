import AgentModel
import AgentScript
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import AgentWorker

@Suite("A failing message") struct FailingMessageTests {
    private static let failing =
        "agent:on_message('in', function(data, message) agent:publish('try', message.attempt) error('boom') end"

    @Test("is tried three times with doubling pauses, then dead-lettered, then acknowledged") func deadLetter() throws {
        let test = try TestWorker(Self.failing + ")")
        let message = test.deliver("in", #"{"n":1}"#, partition: 3, offset: 42)
        #expect(test.hub.published.count == 1)
        test.advance(0.2)
        #expect(test.hub.published.count == 2)
        test.advance(0.3)
        #expect(test.hub.published.count == 2)
        test.advance(0.1)
        #expect(test.hub.published.map(\.data) == ["1", "2", "3"])
        #expect(!message.isAcknowledged)
        let letter = try #require(test.kafka.sent.first)
        #expect(letter.topic == "in.dlq")
        #expect(letter.text == #"{"n":1}"#)
        #expect(letter.record.key.map { String(buffer: $0) } == "k")
        #expect(letter.header("x-original-topic") == "in")
        #expect(letter.header("x-original-partition") == "3")
        #expect(letter.header("x-original-offset") == "42")
        #expect(letter.header("x-original-timestamp") == "1767323045678")
        #expect(letter.header("x-attempts") == "3")
        #expect(letter.header("x-script-version") == test.version)
        #expect(letter.header("x-error")?.hasPrefix("agent0.lua:1: boom") == true)
        test.kafka.settleAll()
        #expect(message.acknowledgements == 1)
        #expect(test.deadLetters == 1)
        #expect(test.laneCount == 0)
    }

    @Test("that raised a table has it as JSON in the dead letter and in the log, and a task that did in its answer")
    func table() throws {
        let test = try TestWorker(
            """
            local failure = { code = 7, fn = print, list = { 1, 2 } }
            failure.itself = failure
            agent:on_message('in', function() error(failure) end, { attempts = 1 })
            agent:task('t', function() coroutine.wrap(function() error(failure) end)() end)
            agent:task('named', function() error(setmetatable({ 1 }, { __tostring = function() return 'named' end })) end)
            """)
        let json = #"{"code":7,"fn":"<function>","itself":"<cycle>","list":[1,2]}"#
        test.deliver("in")
        #expect(test.kafka.sent.first?.header("x-error") == "agent0.lua:3: \(json)")
        #expect(test.lines.count(containing: json) == 1)
        #expect(test.task("t").error?.hasSuffix(json) == true)
        #expect(test.task("named").error == "named")
    }

    @Test("is one warning for each attempt that is not the last, with when the next comes, and an error for the last")
    func told() throws {
        let test = try TestWorker(
            """
            local function fail() error('boom') end
            agent:on_message('in', function() fail() return 1 end)
            agent:on_message('once', function() error('bang') end, { attempts = 1, on_error = 'skip' })
            agent:on_message('event', function() agent:emit { event_type = 'noted', data = {} } end, { attempts = 2 })
            agent:on_event('noted', function() error('in an event') end)
            agent:on_message('sends', function() agent:send_kafka('out', 1) end, { attempts = 2 })
            """)
        test.deliver("in", offset: 7)
        test.advance(10)
        let lines = test.lines.all.filter { $0.contains("boom") }
        let names = "agent=agent-0 attempt"
        #expect(
            lines.count == 3
                && lines[0].hasPrefix(
                    "warning: attempt 1 of 3 failed, the next in 0.2 s: agent0.lua:1: boom \(names)=1 attempts=3")
                && lines[1].hasPrefix(
                    "warning: attempt 2 of 3 failed, the next in 0.4 s: agent0.lua:1: boom \(names)=2 attempts=3")
                && lines[2].hasPrefix("error: a message failed for good: to in.dlq \(names)=3 error=agent0.lua:1: boom"),
            "\(lines)")
        #expect(!lines[0].contains("traceback") && !lines[1].contains("\n"))
        #expect(lines[2].contains("traceback=stack traceback:\n") && lines[2].contains("in upvalue 'fail'"))
        #expect(lines[2].ranges(of: "boom").count == 1)

        test.deliver("once")
        let last = test.lines.all.filter { $0.contains("bang") }
        // The only frame of the way would say where the message begins once more.
        #expect(last.count == 1 && last[0].hasPrefix("error: ") && !last[0].contains("traceback"), "\(last)")

        test.deliver("event")
        test.advance(10)
        let ofEvent = test.lines.all.filter { $0.contains("in an event") }
        #expect(ofEvent.map { $0.prefix(7) } == ["warning", "error: "])
        #expect(ofEvent.allSatisfy { $0.contains("handler=handler of event noted") })

        test.deliver("sends")
        test.kafka.settleLast(DeliveryFailure("too large"))
        let undelivered = test.lines.all.filter { $0.contains("too large") }
        #expect(
            undelivered.count == 1
                && undelivered[0].hasPrefix("warning: attempt 1 of 2 failed, the next in 0.2 s: too large"))
    }

    @Test("names the version that failed, though another serves when its dead letter leaves") func failedVersion()
        throws
    {
        let test = try TestWorker(
            "agent:on_message('in', function() agenthost.sleep(2) error('old') end, { attempts = 1 })")
        let old = test.version
        test.deliver("in")
        try test.activate("agent:on_message('in', function() end, { attempts = 1 })")
        test.advance(1)
        #expect(test.version != old)
        test.advance(1)
        #expect(test.kafka.sent.first?.header("x-script-version") == old)
    }

    @Test("keeps its dead letter until that is delivered, trying again with growing pauses") func deadLetterRefused()
        throws
    {
        let test = try TestWorker(Self.failing + ", { attempts = 1 })")
        let message = test.deliver("in")
        test.kafka.settleAll(DeliveryFailure("away"))
        test.advance(0.9)
        #expect(test.kafka.sent.count == 1)
        test.advance(0.1)
        #expect(test.kafka.sent.count == 2)
        test.kafka.settleAll(DeliveryFailure("away"))
        test.advance(1.9)
        #expect(test.kafka.sent.count == 2)
        test.advance(0.1)
        test.kafka.settleAll()
        #expect(message.acknowledgements == 1)
        #expect(test.deadLetters == 1)
        #expect(test.lines.count(containing: "failed for good") == 1)
    }

    @Test(
        "that is no JSON, or raises a table, says so",
        arguments: [
            (
                "data.reading.value", #"{"reading": {"value": 1}, "unit":}"#,
                "agent0.lua:2: attempt to index a nil value (field 'reading') (the payload is not JSON: Expecting value at byte 33)"
            ),
            ("data.n + 1", "on", "(the payload is not JSON: Expecting value at byte 0)"),
            ("assert(agenthost.models.HealthData(data))", "on", "(the payload is not JSON: Expecting value at byte 0)"),
            ("data.x.y", "{}", "agent0.lua:2: attempt to index a nil value (field 'x')"),
            ("error 'mine'", "on", "agent0.lua:2: mine"),
            ("error { code = 4 }", "{}", #"agent0.lua:2: {"code":4}"#),
        ] as [(String, String, String)])
    func reason(expression: String, payload: String, error: String) throws {
        let test = try TestWorker(
            "\nagent:on_message('in', function(data) local x = \(expression) end, { attempts = 1 })")
        test.deliver("in", payload)
        let letter = try #require(test.kafka.sent.first)
        #expect(letter.header("x-error")?.hasSuffix(error) == true, "\(letter.header("x-error") ?? "")")
        #expect(test.lines.count(containing: error) >= 1)
    }

    @Test("whose dead letter the broker will never take is kept in the spool, and its partition goes on") func kept()
        throws
    {
        let test = try TestWorker(Self.failing + ", { attempts = 1 })")
        let message = test.deliver("in", #"{"n":1}"#, partition: 3, offset: 42)
        let next = test.deliver("in", partition: 3, offset: 43)
        test.kafka.settleFirst(DeliveryFailure("too large", isPermanent: true))
        test.advance(0)
        let kept = try #require(test.spool.kept.first)
        #expect(kept.reason == "too large")
        let record = kept.letter.record
        #expect(
            kept.letter.transport == .kafka && record.topic == "in.dlq"
                && record.value == ByteBuffer(string: #"{"n":1}"#))
        #expect(record.headers.contains(.init(name: "x-original-offset", value: Array("42".utf8))))
        #expect(message.acknowledgements == 1)
        #expect(test.deadLetters == 1)
        test.kafka.settleAll()
        #expect(next.acknowledgements == 1)
        #expect(test.kafka.sent.count == 2 && test.laneCount == 0)
    }

    @Test("whose dead letter can be neither delivered nor kept stays unacknowledged") func notKept() throws {
        let test = try TestWorker(Self.failing + ", { attempts = 1 })")
        let message = test.deliver("in")
        test.spool.refuse("the disk is full")
        test.kafka.settleAll(DeliveryFailure("too large", isPermanent: true))
        test.advance(0.5)
        #expect(message.acknowledgements == 0)
        #expect(test.lines.count(containing: "stays unacknowledged") == 1)
        #expect(test.counters[0].waitingDeadLetters == 1)
        test.spool.refuse(nil)
        test.advance(0.5)
        test.kafka.settleAll(DeliveryFailure("too large", isPermanent: true))
        test.advance(0)
        #expect(message.acknowledgements == 1 && test.spool.kept.count == 1)
        #expect(test.counters[0].waitingDeadLetters == 0)
    }

    @Test("without any broker for its dead letter is not tried in a hot loop") func noBroker() throws {
        let test = try TestWorker([Self.failing + ", { attempts = 1 })"], kafka: false, mqtt: false)
        let message = test.deliver("in", source: .mqtt)
        test.advance(100)
        #expect(!message.isAcknowledged)
        #expect(test.lines.count(containing: "dead letter could not be delivered") < 10)
        test.worker.connect(.mqtt, test.mqtt)
        test.advance(60)
        test.mqtt.settleAll()
        #expect(message.acknowledgements == 1)
    }

    @Test("of MQTT goes to the agent's Kafka topic, or to dlq/ on MQTT without Kafka") func mqtt() throws {
        let withKafka = try TestWorker(Self.failing + ", { attempts = 1 })")
        withKafka.deliver("in", "", source: .mqtt)
        #expect(withKafka.kafka.sent.first?.topic == "agent-0.dlq")
        #expect(withKafka.kafka.sent.first?.record.value?.readableBytes == 0)

        let without = try TestWorker(Self.failing + ", { attempts = 1 })", kafka: false)
        let message = without.deliver("in", source: .mqtt)
        #expect(without.mqtt.sent.map(\.topic) == ["dlq/in"])
        without.mqtt.settleAll()
        #expect(message.acknowledgements == 1)
    }

    @Test("that is an MQTT dead letter already is kept: no dead letters of dead letters") func noLoop() throws {
        let test = try TestWorker(
            "agent:on_message('#', function() error('always') end, { attempts = 1 })", kafka: false)
        let message = test.deliver("dlq/in", source: .mqtt)
        test.advance(0)
        #expect(message.acknowledgements == 1)
        #expect(test.mqtt.sent.isEmpty)
        #expect(test.spool.kept.count == 1)
    }

    @Test("is skipped with on_error = \"skip\"") func skip() throws {
        let test = try TestWorker(Self.failing + ", { attempts = 2, on_error = 'skip' })")
        let message = test.deliver("in")
        test.advance(0.2)
        #expect(message.acknowledgements == 1)
        #expect(test.kafka.sent.isEmpty)
    }

    @Test("stops its lane with on_error = \"stop\" until a reload", arguments: [1, 2]) func stop(attempts: Int) throws {
        let test = try TestWorker(Self.failing + ", { attempts = \(attempts), on_error = 'stop' })")
        let first = test.deliver("in", "1")
        let second = test.deliver("in", "2", offset: 1)
        test.advance(10)
        let tries = test.hub.published.count
        #expect(tries == attempts)
        #expect(test.counters[0].stoppedLanes == 1)
        try test.activate("agent:on_message('in', function(data) agent:publish('fixed', data) end)")
        #expect(test.hub.published.suffix(2).map(\.data) == ["1", "2"])
        #expect(first.acknowledgements == 1 && second.acknowledgements == 1)
        #expect(test.counters[0].stoppedLanes == 0)
        #expect(test.laneCount == 0)
    }

    @Test("whose delivery fails stops its lane too, and the lane goes on after a reload") func stopAfterDelivery()
        throws
    {
        let script =
            "agent:on_message('in', function(data) agent:send_kafka('out', data) end, { attempts = 1, on_error = 'stop' })"
        let test = try TestWorker(script)
        let first = test.deliver("in", "1")
        test.kafka.settleAll(DeliveryFailure("away"))
        let second = test.deliver("in", "2", offset: 1)
        #expect(test.kafka.texts("out") == ["1"])
        try test.activate(script + " -- fixed")
        #expect(test.kafka.texts("out") == ["1", "1", "2"])
        test.kafka.settleAll()
        let third = test.deliver("in", "3", offset: 2)
        test.kafka.settleAll()
        #expect([first, second, third].map(\.acknowledgements) == [1, 1, 1])
        #expect(test.laneCount == 0)
    }

    @Test("several that stop one lane all try again") func severalStopped() throws {
        let test = try TestWorker(
            "agent:on_message('in', function() agenthost.sleep(1) error('x') end, { attempts = 1, on_error = 'stop', concurrency = 3 })"
        )
        let messages = (1...3).map { test.deliver("in", "\($0)", offset: Int64($0)) }
        test.advance(1)
        #expect(test.counters[0].stoppedLanes == 3)
        try test.activate("agent:on_message('in', function() end)")
        #expect(messages.map(\.acknowledgements) == [1, 1, 1])
        #expect(test.laneCount == 0)
    }

    @Test("whose handler waits too long is one that failed") func timesOut() throws {
        let test = try TestWorker(
            "agent:on_message('in', function() agenthost.sleep(100) end, { attempts = 1 })",
            settings: { $0.taskTimeout = 2 })
        let message = test.deliver("in")
        test.advance(2)
        #expect(test.kafka.sent.first?.header("x-error")?.contains("timed out after 2 s") == true)
        test.kafka.settleAll()
        #expect(message.acknowledgements == 1)
        test.advance(100)
        #expect(message.acknowledgements == 1)
        #expect(test.laneCount == 0)
    }

    @Test("whose handler returned a function is told where that function is") func returnsFunction() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function()
              return function() end
            end, { attempts = 1 })
            """)
        test.deliver("in")
        let error = test.kafka.sent.first?.header("x-error") ?? ""
        #expect(error.hasPrefix("agent0.lua:2: "))
        #expect(error.contains("returned this function"))
    }

    @Test("of a partition that was taken away is forgotten") func takenAway() throws {
        let test = try TestWorker(Self.failing + ")")
        let message = test.deliver("in")
        message.isCurrent = false
        test.advance(10)
        #expect(test.hub.published.count == 1)
        #expect(test.kafka.sent.isEmpty && !message.isAcknowledged)
        #expect(test.laneCount == 0 && test.worker.figures().messagesUnderWay == 0)
    }

    @Test(
        "of a partition that was taken away is let go at once, wherever it waits, with those behind it",
        arguments: [
            "attempts = 3, backoff = 60", "attempts = 3, backoff = 60, concurrency = 2", "attempts = 1",
            "attempts = 1, on_error = 'stop'",
        ])
    func revoked(options: String) throws {
        let test = try TestWorker(Self.failing + ", { \(options) })")
        weak var first: TestMessage?
        weak var second: TestMessage?
        weak var under: TestMessage?
        do {
            let messages = (0..<2).map { test.deliver("in", offset: Int64($0)) }
            test.kafka.settleAll(DeliveryFailure("away"))
            for message in messages { message.isCurrent = false }
            (first, second) = (messages[0], messages[1])
            under = test.deliver("in", partition: 1)
        }
        #expect(first != nil && second != nil)
        test.worker.revoked()
        test.loop.run()
        #expect(first == nil && second == nil)
        #expect(under != nil, "another partition's is kept")
        under?.isCurrent = false
        test.worker.revoked()
        test.advance(0)
        test.kafka.settleAll()
        #expect(test.laneCount == 0 && test.worker.figures().messagesUnderWay == 0)
        #expect(test.counters[0].stoppedLanes == 0)
        #expect(test.counters[0].waitingDeadLetters == 0)
        let tries = test.hub.published.count
        test.deliver("in", offset: 2)
        #expect(test.hub.published.count == tries + 1, "what comes in its place begins")
        test.advance(1000)
    }
}
