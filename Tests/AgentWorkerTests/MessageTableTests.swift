import AgentModel
import AgentScript
import NIOCore
import Testing

@testable import AgentWorker

/// Handlers that only read fields of their `message` get the same table again.
@Suite("The message table") struct MessageTableTests {
    @Test("has nothing of the message before") func nothingStays() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function(data, message)
              agent:publish('seen', { key = message.key, offset = message.offset, qos = message.qos })
            end)
            """)
        for (offset, key) in [("a", Int64(1)), (nil, 2), ("b", 3)].map({ ($1, $0) }) {
            test.worker.receive(TestMessage("in", "1", key: key, offset: offset))
        }
        test.worker.receive(TestMessage("in", "1", source: .mqtt))
        test.worker.receive(TestMessage("in", "1", offset: 4))
        #expect(
            test.hub.published.map(\.data) == [
                #"{"key":"a","offset":1}"#, #"{"offset":2}"#, #"{"key":"b","offset":3}"#, #"{"qos":1}"#,
                #"{"offset":4}"#,
            ])
    }

    @Test("is the message's own for as long as its handler waits") func waits() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function(data, message)
              agenthost.sleep(data)
              agent:publish('seen', message.key .. message.attempt)
            end, { concurrency = 8 })
            """)
        for (key, seconds) in [("a", 3), ("b", 1), ("c", 2)] {
            test.worker.receive(TestMessage("in", "\(seconds)", key: key))
        }
        test.advance(1)
        test.worker.receive(TestMessage("in", "5", key: "d"))
        for _ in 0..<5 { test.advance(1) }
        #expect(test.hub.published.map(\.data) == [#""b1""#, #""c1""#, #""a1""#, #""d1""#])
    }

    @Test("is not given on by a handler that was ended while it waited") func endedWhileWaiting() throws {
        let test = try TestWorker(
            """
            agent:on_message('in', function(data, message)
              local last <close> = setmetatable({}, { __close = function() end })
              if data == 1 then agenthost.sleep(100) end
              agent:publish('seen', message.key)
            end, { attempts = 1, on_error = 'skip' })
            """, settings: { $0.taskTimeout = 2 })
        test.worker.receive(TestMessage("in", "1", key: "a"))
        test.advance(3)
        test.worker.receive(TestMessage("in", "2", key: "b"))
        test.worker.receive(TestMessage("in", "2", key: "c"))
        #expect(test.hub.published.map(\.data) == [#""b""#, #""c""#])
    }

    @Test("stays what it was where the handler keeps it") func kept() throws {
        let test = try TestWorker(
            """
            local kept = {}
            agent:on_message('in', function(data, message)
              kept[#kept + 1] = message
              agent:publish('seen', kept[1].key .. message.key)
            end)
            """)
        for key in ["a", "b"] { test.worker.receive(TestMessage("in", "1", key: key)) }
        #expect(test.hub.published.map(\.data) == [#""aa""#, #""ab""#])
    }
}
