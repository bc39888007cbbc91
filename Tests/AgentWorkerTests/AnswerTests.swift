import AgentModel
import AgentScript
import NIOCore
import Testing

@testable import AgentWorker

/// `agenthost.answer` on its way out of a worker.
@Suite("Answers of a handler") struct AnswerTests {
    @Test("reach whoever asked, returned or raised, before and after a wait, and are no errors")
    func reach() throws {
        let test = try TestWorker(
            """
            agent:task('t', function(task)
              local answer = agenthost.answer(409, { detail = 'taken' })
              if task.query == 'returned' then return answer end
              if task.query == 'waits' then agenthost.sleep(1) end
              if task.query == 'inner' then
                return coroutine.wrap(function() agenthost.sleep(1) error(answer) end)()
              end
              agent:send_kafka('before', { n = 1 })
              error(answer)
            end)
            """)
        for query in ["returned", "raised", "waits", "inner"] {
            let outcome = test.task("t", query: query)
            test.advance(1)
            #expect(outcome.value?.answer?.status == 409, "\(query)")
            #expect(outcome.error == "taken")
            #expect(outcome.completions == 1)
        }
        #expect(test.errors == 0)
        #expect(test.lines.count(containing: "error: ") == 0)
        #expect(test.kafka.sent.count == 2)
    }

    @Test("are completed or failed tasks in the events, by their status")
    func events() throws {
        let test = try TestWorker(
            """
            agent:task('t', function(task)
              local status = tonumber(task.query)
              return agenthost.answer(status, status < 400 and 'fine' or { detail = 'no such room' })
            end)
            """)
        test.task("t", query: "201")
        test.task("t", query: "404")
        #expect(
            test.hub.eventTypes == [
                "agent_task_started", "agent_task_completed", "agent_task_started", "agent_task_failed",
            ])
        let data = test.hub.events.map { String(buffer: $0.data) }
        #expect(data[1].hasSuffix(#","success":true,"result":"fine","error":null}"#))
        #expect(data[3].hasSuffix(#","success":false,"result":null,"error":"no such room"}"#))
    }

    @Test("are a result, or none and the reason, for agent:process")
    func process() throws {
        let test = try TestWorker(
            """
            agent:task('inner', function(task)
              local body = task.parameters.text and 'text' or { detail = 'no such room' }
              if task.parameters.raises then error(agenthost.answer(task.parameters.status, body)) end
              return agenthost.answer(task.parameters.status, body)
            end)
            agent:task('t', function()
              local function ask(parameters) return { agent:process('inner', { parameters = parameters }) } end
              local fine, text = ask { status = 200 }, ask { status = 200, text = true }
              local refused, raised = ask { status = 404 }, ask { status = 404, raises = true }
              return { fine[1].detail, text[1], refused[1] == nil, refused[2], raised[2] }
            end)
            """)
        #expect(test.task("t").json == #"["no such room","text",true,"no such room","no such room"]"#)
    }

    @Test("that functions beside a handler raise reach who waits for them, and may be raised again")
    func beside() throws {
        let test = try TestWorker(
            """
            agent:task('t', function(task)
              local function refuse() agenthost.sleep(1) error(agenthost.answer(404, 'no such room')) end
              if task.query == 'gather' then assert(agenthost.gather { refuse, function() agenthost.sleep(5) end }) end
              local handle = agenthost.spawn(refuse)
              if task.query == 'after' then agenthost.sleep(1.5) end
              return assert(handle:wait())
            end)
            """)
        for query in ["gather", "spawn", "after"] {
            let outcome = test.task("t", query: query)
            test.advance(2)
            #expect(outcome.value?.answer?.status == 404, "\(query): \(outcome.error ?? "")")
        }
        #expect(test.errors == 0)
        #expect(test.lines.count(containing: "error: ") == 0)
    }

    @Test("that are raised outside of a task are errors with their line")
    func elsewhere() throws {
        let test = try TestWorker(
            "agent:on_message('a', function()\n  error(agenthost.answer(404)) end, { attempts = 1 })")
        test.deliver("a")
        test.advance(1)
        let letter = try #require(test.kafka.sent.first)
        #expect(letter.topic == "a.dlq")
        #expect(
            letter.header("x-error")
                == "agent0.lua:2: an HTTP answer was raised where nobody waits for one, outside of a task")
        #expect(test.errors == 1)
    }

    @Test("an error has its line in the log, and for a client only while that is wanted", arguments: [true, false])
    func places(isShown: Bool) throws {
        let test = try TestWorker(
            [
                """
                agent:task('raises', function() error('boom') end)
                agent:task('returns', function() return { print } end)
                agent:task('asks', function() return select(2, agent:process('raises', {})) end)
                agent:on_websocket('x', function() error('boom') end)
                """
            ], answersWithPlaces: isShown)
        let place = isShown ? "agent0.lua:1: " : ""
        #expect(test.task("raises").error == "\(place)boom")
        let data = test.hub.events.last.map { String(buffer: $0.data) }
        #expect(data?.contains(#""error":"\#(place)boom"}"#) == true)
        #expect(test.lines.count(containing: "error: agent0.lua:1: boom ") == 1)
        #expect(test.task("returns").error?.hasPrefix(isShown ? "agent0.lua:2: result" : "result") == true)
        // A script's own errors are its own affair.
        #expect(test.task("asks").json == #""agent0.lua:1: boom""#)
    }
}
