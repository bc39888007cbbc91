import AgentModel
import AgentScript
import LuaRuntime
import NIOCore
import Testing

@testable import AgentWorker

@Suite("A payload whose value does not fit into the agent's memory") struct PayloadLimitTests {
    private static let large = "{\"items\":[" + String(repeating: "[],", count: 200_000) + "0]}"

    private func worker(_ script: String) throws -> TestWorker {
        var limits = LuaLimits()
        limits.memory = 8 << 20
        return try TestWorker([script], limits: limits)
    }

    @Test("is tried again and dead-lettered untouched, and its lane goes on") func message() throws {
        let test = try worker("\n\nagent:on_message('in', function(data) agent:publish('seen', data.n) end)")
        let message = test.deliver("in", Self.large, offset: 1)
        let next = test.deliver("in", #"{"n":2}"#, offset: 2)
        test.advance(1)
        let letter = try #require(test.kafka.sent.first)
        #expect(letter.topic == "in.dlq")
        #expect(letter.text == Self.large)
        #expect(letter.header("x-error") == "agent0.lua:3: reading the payload: memory limit of 8 MiB exceeded")
        #expect(letter.header("x-attempts") == "3")
        test.kafka.settleAll()
        test.advance(0.1)
        #expect(message.acknowledgements == 1 && next.acknowledgements == 1)
        #expect(test.hub.published.map(\.data) == ["2"])
        #expect(test.laneCount == 0)
    }

    @Test("fails its task, and the next one is served") func task() throws {
        let test = try worker("agent:task('t', function(task) return task.parameters.n end)")
        let failed = test.task("t", body: #"{"query":"q","parameters":"# + Self.large + "}")
        #expect(failed.error == "reading the request: memory limit of 8 MiB exceeded")
        #expect(test.errors == 1)
        #expect(test.task("t", body: #"{"query":"q","parameters":{"n":1}}"#).json == "1")
    }

    @Test("fails the handlers of an event") func event() throws {
        let test = try worker("agent:on_event('*', function(event) agent:publish('seen', 1) end)")
        test.worker.inject(type: "own", data: ByteBuffer(string: Self.large))
        #expect(test.hub.published.isEmpty)
        #expect(test.errors == 1)
    }

    @Test("a result that takes too long to write fails its task, with the handler's line") func result() throws {
        var limits = LuaLimits()
        limits.slice = .milliseconds(100)
        let test = try TestWorker(
            [
                """

                agent:task('t', function()
                  local empty = {} for i = 1, 50000 do empty[i .. ''] = 1 end for k in pairs(empty) do empty[k] = nil end
                  local all = {} for i = 1, 50000 do all[i] = empty end
                  return all
                end)
                """
            ], limits: limits)
        let outcome = test.task("t")
        #expect(
            outcome.error?.hasSuffix("the handler used more than 100 ms of CPU time without waiting") == true)
        #expect(outcome.error?.hasPrefix("agent0.lua:") == true)
    }

    @Test("numbers of a message arrive as strings where they are asked for exactly, and leave as they came")
    func exact()
        throws
    {
        let script = """
            agent:on_message('%', function(data)
              agent:publish('kind', type(data.id) .. ' ' .. type(data.price))
              agent:send_kafka('out', data)
            end, { json = '%' })
            """
        let test = try TestWorker(
            ["exact", "plain"].map { json in
                script.replacing("'%', function", with: "'\(json)', function").replacing(
                    "json = '%'", with: "json = '\(json)'")
            }.joined(separator: "\n"))
        let payload = #"{"id":12345678901234567890,"price":6.30}"#
        test.deliver("exact", payload)
        test.deliver("plain", payload)
        #expect(test.hub.published.map(\.data) == [#""string number""#, #""number number""#])
        #expect(test.kafka.sent.map(\.text) == [payload, payload])
    }

    @Test("what is not to be decoded arrives and leaves byte for byte, JSON or not; a tombstone stays one")
    func bytes() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function(data, message)
              agent:publish('kind', type(data) .. ' ' .. tostring(rawequal(data, message.raw)))
              agent:send_kafka('out', data)
            end, { decode = false })
            agent:on_message('decoded', function(data) agent:publish('kind', type(data)) end, { decode = true })
            """)
        let payloads = [#" {"b":1, "a":1e0, "b":2} "#, "{no JSON", "7", ""]
        for payload in payloads { test.deliver("in", payload) }
        test.deliver("in", nil)
        test.deliver("decoded", "7")
        #expect(
            test.hub.published.map(\.data) == Array(repeating: #""string true""#, count: 4) + [
                #""userdata true""#, #""number""#,
            ])
        #expect(test.kafka.sent.map(\.text) == payloads + [""])
        #expect(test.kafka.sent.map { $0.record.value == nil } == [false, false, false, false, true])
    }
}
