import AgentModel
import Testing

@testable import AgentScript

@Suite("What a handler is shown of a message")
struct MessageFieldsTests {
    private var message: TestMessage {
        TestMessage(
            source: .kafka, topic: "t", payload: #"{"a":1}"#, key: "k",
            headers: [.init(name: "h", value: Array("v".utf8))], partition: 3, offset: 17)
    }

    /// The agent's first handler of messages, and the script that it is in.
    private func handler(_ function: String) throws -> (script: TestScript, handler: HandlerTable.Message) {
        let script = try TestScript.probe("", top: "local seen = {}\nagent:on_message('t', \(function))")
        return (script, try #require(script.generation.handlers.messages.first))
    }

    @Test(
        "the fields that its code reads by their names, where it does nothing else with the message",
        arguments: [
            ("function(data, message) return message.key end", [.of(.key)]),
            (
                "function(data, message) if message and message.attempt > 1 then return message.raw end end",
                [.attempt, .raw]
            ),
            (
                "function(data, message) local n = 1 + message.offset return message.topic .. n end",
                [.of(.offset), .topic]
            ),
            ("function(data, message) if message ~= nil then return data end end", []),
            (
                "function(data, message, ...) return message.header_list[1][2], message.headers.h end",
                [.of(.headers), .of(.headerList)]
            ),
            (
                "function(data, message) local own = function() return data end return own(), message.qos, message.nothing end",
                [.of(.qos)]
            ),
            ("function(data, message) return seen[message.partition] end", [.of(.partition)]),
            (
                "function(data, message) for i = 1, message.partition do data = message.source end return data end",
                [.of(.partition), .source]
            ),
        ] as [(String, MessageFields)])
    func fieldsRead(function: String, expected: MessageFields) throws {
        let (script, handler) = try handler(function)
        #expect(handler.fields.subtracting(.table) == expected)
        #expect(!handler.fields.isEmpty, "that there is a message can be told")
        #expect(try results(script, handler, handler.fields) == results(script, handler, .all))
    }

    @Test(
        "all of it, whatever else the handler does with it",
        arguments: [
            "function(data, message) return message end", "function(data, message) return data, message end",
            "function(data, message) local copy = message return copy.key end",
            "function(data, message) return (function() return message.key end)() end",
            "function(data, message) return function() return function() return message.key end end end",
            "function(data, message) for name in pairs(message) do seen[name] = true end return seen end",
            "function(data, message) return next(message) ~= nil end", "function(data, message) return #message end",
            "function(data, message) local name = 'key' return message[name] end",
            "function(data, message) return message[1], message['key' .. ''] end",
            "function(data, message) message.note = 'x' return message.note end",
            "function(data, message) message.key = nil return message.key end",
            "function(data, message) seen.last = message return seen.last.key end",
            "function(data, message) seen[message] = 1 return next(seen).key end",
            "function(data, message) return rawget(message, 'key'), rawlen(message) end",
            "function(data, message) return agenthost.json.encode(message) end",
            "function(data, message) return message == data end",
            "function(data, message) return pcall(function(m) return m.key end, message) end",
            "function(data, message) return message:key() end", "function(data, message) return -message end",
            "function(data, message) return message .. 'x' end", "function(data, message) return message + 1 end",
            "function(data, message) return 1 < message end",
            "function(data, message) local m = message or {} return m.key end",
            "function(data, message) data = { message } return data[1].key end",
            "function(data, message) return agenthost.spawn(function(m) return m.key end, message) ~= nil end",
            "function(data, ...) return (...).key end", "function(...) return select(2, ...) end", "print",
            "coroutine.wrap(function() end)",
        ])
    func everything(function: String) throws {
        #expect(try handler(function).handler.fields == .all)
    }

    @Test(
        "nothing, not even a table, where the handler has no second parameter",
        arguments: [
            "function(data) return data end", "function() end",
        ])
    func nothing(function: String) throws {
        let (script, handler) = try handler(function)
        #expect(handler.fields == [])
        #expect(try results(script, handler, handler.fields) == results(script, handler, .all))
    }

    @Test("a field that only the other broker's messages have is absent")
    func fieldsOfTheOther() throws {
        let (script, handler) = try handler(
            "function(data, message) return message.key, message.offset, message.qos end")
        let message = TestMessage(source: .mqtt, topic: "t", payload: "1", qos: 2)
        let run = try script.run(handler.function) { try $0.push(message, attempt: 1, showing: handler.fields) }
        #expect(try run.results == [nil, nil, 2])
    }

    @Test("a function with more than 255 names and a message reads them all the same")
    func manyConstants() throws {
        let many = (0..<300).map { "seen.n\($0) = \($0)" }.joined(separator: " ")
        let (script, handler) = try handler("function(data, message) \(many) return message.key, message.offset end")
        #expect(try results(script, handler, handler.fields) == ["k", 17])
    }

    private func results(
        _ script: TestScript, _ handler: HandlerTable.Message, _ fields: MessageFields
    ) throws -> [JSONValue] {
        try script.run(handler.function) { try $0.push(message, attempt: 2, showing: fields) }.results
    }
}

extension MessageFields {
    fileprivate static func of(_ field: MessageField) -> Self { Self(field) }
}
