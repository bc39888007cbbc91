import AgentModel
import NIOCore
import Testing

@Suite struct JSONScannerTests {
    @Test("the members of an envelope are slices of it")
    func envelope() throws {
        let text = """
            {"message_id": "m-1" , "message_type":"subscribe", "payload" : {"topic": ["a", {"b":"}"}]},
             "timestamp":null,"n": -1.5e3 ,"ok":true}
            """
        let members = try #require(try JSONScanner.members(of: ByteBuffer(string: text)))
        #expect(members.count == 6)
        #expect(members.string("message_id") == "m-1")
        #expect(members.string("message_type") == "subscribe")
        #expect(members["payload"] == ByteBuffer(string: #"{"topic": ["a", {"b":"}"}]}"#))
        #expect(members["timestamp"] == ByteBuffer(string: "null"))
        #expect(members["n"] == ByteBuffer(string: "-1.5e3"))
        #expect(members["ok"] == ByteBuffer(string: "true"))
        #expect(members["message_type"] == ByteBuffer(string: #""subscribe""#))
        #expect(members["absent"] == nil)
        #expect(members.string("absent") == nil)
        #expect(members.string("payload") == nil)
        #expect(members.isNull("timestamp"))
        #expect(!members.isNull("payload"))
        #expect(!members.isNull("absent"))
    }

    @Test("keys and strings are unescaped")
    func escapes() throws {
        let text = #"{"message\u005ftype":"a\nb\ud83d\ude00","tab\t":1}"#
        let members = try #require(try JSONScanner.members(of: ByteBuffer(string: text)))
        #expect(members.string("message_type") == "a\nb😀")
        #expect(members["tab\t"] == ByteBuffer(string: "1"))
        #expect(members.map(\.key) == ["message_type", "tab\t"])
    }

    @Test("the last of equal keys wins, and all are walked through")
    func equalKeys() throws {
        let members = try #require(try JSONScanner.members(of: ByteBuffer(string: #"{"a":1,"a":"two"}"#)))
        #expect(members.string("a") == "two")
        #expect(members.map { String(buffer: $0.value) } == ["1", "\"two\""])
    }

    @Test("a document that is not an object has no members", arguments: ["[]", "1", "null", #""{}""#, " [{}] "])
    func noObject(document: String) throws {
        #expect(try JSONScanner.members(of: ByteBuffer(string: document)) == nil)
    }

    @Test("an empty object has none either, but is one")
    func emptyObject() throws {
        #expect(try JSONScanner.members(of: ByteBuffer(string: " { } "))?.count == 0)
    }

    @Test("a slice of a buffer is scanned by its own positions")
    func slice() throws {
        var buffer = ByteBuffer(string: #"head{"a":{"b":1}}tail"#)
        buffer.moveReaderIndex(forwardBy: 4)
        buffer.moveWriterIndex(to: buffer.writerIndex - 4)
        let outer = try #require(try JSONScanner.members(of: buffer))
        let payload = try #require(outer["a"])
        let inner = try #require(try JSONScanner.members(of: payload))
        #expect(inner["b"] == ByteBuffer(string: "1"))
    }

    @Test("equal-looking keys with other bytes are other keys")
    func bytewiseKeys() throws {
        let members = try #require(
            try JSONScanner.members(of: ByteBuffer(string: "{\"e\u{301}\":1,\"\\u0065\u{301}x\":2}")))
        #expect(members["\u{E9}"] == nil)
        #expect(members["\u{E9}x"] == nil)
        #expect(members["e\u{301}x"] == ByteBuffer(string: "2"))
    }
}
