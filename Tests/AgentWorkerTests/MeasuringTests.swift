import AgentModel
import NIOCore
import NIOEmbedded
import Testing

@testable import AgentWorker

@Suite("Measuring and logging") struct MeasuringTests {
    @Test("each handler has one timer, by what it was registered for, and every run is recorded") func timers() throws {
        let test = try TestWorker(
            """
            agent:on_message('ward/+/pulse', function() end, { source = 'mqtt' })
            agent:on_message('in', function() agent:emit { event_type = 'seen', data = {} } end)
            agent:on_event('*', function() end)
            agent:task('sum', function() agenthost.spawn(function() end) return 1 end)
            """)
        for ward in 0..<5 { test.deliver("ward/\(ward)/pulse", source: .mqtt) }
        for offset in 0..<3 { test.deliver("in", offset: Int64(offset)) }
        test.task("sum")
        test.task("sum")
        #expect(test.durations.count("message", "ward/+/pulse") == 5)
        #expect(test.durations.count("message", "in") == 3)
        #expect(test.durations.count("task", "sum") == 2)
        #expect(test.durations.count("function", "spawned function") == 2)
        // One of each message, and two of each task.
        #expect(test.durations.count("event", "*") == 7)
        #expect(test.durations.made == 5)
    }

    @Test("a handler that waits is recorded once, when it has ended, and so is one that fails") func waiting() throws {
        let test = try TestWorker(
            """
            agent:task('slow', function() agenthost.sleep(1) end)
            agent:task('bad', function() error('no') end)
            """)
        test.task("slow")
        #expect(test.durations.count("task", "slow") == 0)
        test.advance(1)
        #expect(test.durations.count("task", "slow") == 1)
        test.task("bad")
        #expect(test.durations.count("task", "bad") == 1)
    }

    @Test("a version's timers go when the last of its handlers has ended") func leaving() throws {
        let test = try TestWorker(
            "local runs = 0 agent:task('t', function() runs = runs + 1 if runs > 1 then agenthost.sleep(3) end end)")
        let old = test.version
        test.task("t")
        test.task("t")
        try test.activate("agent:task('t', function() return 2 end)")
        test.advance(1)
        test.task("t")
        #expect(test.durations.names == ["task/t/\(old)", "task/t/\(test.version)"])
        test.advance(3)
        test.loop.run()
        #expect(test.durations.names == ["task/t/\(test.version)"])
    }

    @Test("what a script logs in a handler of a Kafka message says which") func scriptLogs() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function()
              agenthost.log.info('seen', { agent = 'other', size = 3 })
              agent:emit { event_type = 'noted', data = {}, correlation_id = 'c-1' }
            end)
            agent:on_event('noted', function() agenthost.log.info('heard') end)
            agent:on_message('plain', function() agenthost.log.info('from mqtt') end, { source = 'mqtt' })
            """)
        test.deliver("in", partition: 2, offset: 7)
        let seen = try #require(test.lines.all.first { $0.contains("seen") })
        #expect(
            seen == "info: seen agent=agent-0 field_agent=other handler=handler of in message_id=in/2/7 size=3 "
                + "version=\(test.version)")
        let heard = try #require(test.lines.all.first { $0.contains("heard") })
        #expect(heard.contains("correlation_id=c-1"))
        #expect(heard.contains("handler=handler of event noted message_id=in/2/7"))
        test.deliver("plain", source: .mqtt)
        #expect(test.lines.all.last?.contains("handler=handler of plain topic=plain") == true)
    }

    @Test("what a task logs, spawns and fails with carries its id, which its events have as correlation id")
    func taskLogs() throws {
        let test = try TestWorker(
            """
            agent:task('t', function()
              agenthost.log.info('begun')
              agenthost.spawn(function() agenthost.spawn(function() agenthost.log.info('later') end) end)
              error('broken')
            end)
            """)
        let id = try #require(test.task("t").value?.taskID)
        test.loop.run()
        for (text, handler) in [("begun", "task t"), ("later", "spawned function"), ("broken", "task t")] {
            let line = try #require(test.lines.all.first { $0.contains(text) })
            #expect(line.contains("agent=agent-0 correlation_id=\(id) handler=\(handler) task_id=\(id)"))
            #expect(line.contains("version=\(test.version)"))
        }
    }

    @Test("a message given up is logged with its handler, version, attempt and error") func givenUp() throws {
        let test = try TestWorker("agent:on_message('in', function() error('no') end, { attempts = 2 })")
        test.kafka.acknowledges = true
        test.deliver("in", partition: 1, offset: 9)
        test.advance(10)
        let line = try #require(test.lines.all.first { $0.contains("failed for good: to in.dlq") })
        for field in [
            "agent=agent-0", "attempt=2", "handler=handler of in", "message_id=in/1/9", "version=\(test.version)",
            "error=agent0.lua:1: no",
        ] {
            #expect(line.contains(field))
        }
    }

    @Test("the figures of a worker: memory, tasks that run and wait, messages under way") func figures() throws {
        let test = try TestWorker(
            """
            agent:task('t', function() agenthost.sleep(1) end)
            agent:on_message('in', function() agenthost.sleep(1) end)
            """, settings: { $0.maxConcurrentTasks = 2 })
        for _ in 0..<5 { test.task("t") }
        test.deliver("in")
        let figures = test.worker.figures()
        #expect(figures.messagesUnderWay == 1)
        #expect(figures.agents.map(\.name) == ["agent-0"])
        #expect(figures.agents.map(\.runningTasks) == [2])
        #expect(figures.agents.map(\.queuedTasks) == [3])
        #expect((figures.agents.first?.luaMemory ?? 0) > 1000)
        test.advance(5)
        let later = test.worker.figures()
        #expect(later.messagesUnderWay == 0)
        #expect(later.agents.map { $0.runningTasks + $0.queuedTasks } == [0])
    }
}
