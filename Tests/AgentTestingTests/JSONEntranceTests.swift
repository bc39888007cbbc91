import AgentModel
import AgentTesting
import NIOCore
import Testing

/// Whatever door a document comes in by, the same one is refused, in the same words and at the same place.
@Suite struct JSONEntranceTests {
    private static let bad: [[UInt8]] =
        [
            " ", "{", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}",
            "{'a':1}",
            "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{1:2}", "]", "\"", "\"a\\", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"",
            "\"a\\udc00\"", "\"\\ud83d\\", "\"a\nb\"", "\"a\0b\"", "tru", "truee", "nan", "[NaN]", "-", "+1", ".5",
            "1.", "01",
            "1e", "0x10", "{} {}", "[1}", "{\"é\": ü}", "\u{FEFF}{}", "[1e999]", "-1e999", "\0", "nope", "{\"a\":nul}",
            String(repeating: "[", count: 129) + String(repeating: "]", count: 129),
            String(repeating: "{\"a\":", count: 129) + "1" + String(repeating: "}", count: 129),
            String(repeating: "[", count: 100_000),
        ].map { Array($0.utf8) } + [
            [0xFF], [0x22, 0xC3, 0x22], [0x7B, 0x7D, 0x20, 0xED, 0xA0, 0x80], [0x5B, 0x22, 0xF4, 0x90, 0x80, 0x80],
            [0xEF, 0xBB, 0xBF, 0x80],
        ]

    /// A document as Lua writes it.
    private static func literal(_ bytes: [UInt8]) -> String {
        let runs = bytes.allSatisfy { $0 == bytes[0] }
        if runs, bytes.count > 1000 { return "(\"\\\(bytes[0])\"):rep(\(bytes.count))" }
        return "\"" + bytes.map { String(format: $0) }.joined() + "\""
    }

    @Test("a document that is no JSON is refused by every door in the same words")
    func words() async throws {
        let folder = try TestFolder()
        try folder.write("agent.lua", Self.agent)
        var documents = "return {\n"
        for bytes in Self.bad {
            let error = try #require(throws: JSONError.self) { try JSONValue(parsing: ByteBuffer(bytes: bytes)) }
            #expect(throws: error) { try JSONScanner.validate(ByteBuffer(bytes: bytes)) }
            #expect(throws: error) { try JSONScanner.members(of: ByteBuffer(bytes: bytes)) }
            #expect(KeptLetter(line: ByteBuffer(bytes: bytes)) == nil)
            let characters = String(decoding: bytes.prefix(error.offset), as: UTF8.self).unicodeScalars.count
            documents += "{ bytes = \(Self.literal(bytes)), words = \(Self.literal(Array(error.message.utf8))), "
            documents += "shown = \(Self.literal(Array(error.description.utf8))), "
            documents += "offset = \(error.offset), place = \(characters), is_text = \(!error.isUTF8Error) },\n"
        }
        try folder.write("documents.lua", documents + "}\n")
        let result = try await folder.run(tests: Self.tests, limit: 60)
        #expect(result.failures == "")
        #expect(result.passedCount == 1)
    }

    private static let agent = """
        local agent = agenthost.realtime_agent { name = "doors", endpoints = {
          { path = "/task", task_type = "task" }, { path = "/any", task_type = "any", body = "any" },
        } }
        agent:task("task", function() return true end)
        agent:task("any", function() return true end)
        agent:on_message("t", function(data) return data.a.b end, { attempts = 1, on_error = "skip" })
        """

    private static let tests = """
        local host = test.load "agent.lua"
        test("doors", function()
          local client = host:websocket "/ws"
          for number, document in ipairs(require "documents") do
            local bytes, words = document.bytes, document.words
            for _, path in ipairs { "/task", "/any", "/realtime/broadcast", "/realtime/topic/t" } do
              local what = ("document %d at %s"):format(number, path)
              local status, answer = host:request { path = path, body = bytes }
              if document.is_text then
                test.equal(status, 422, what)
                local detail = answer.detail[1]
                test.equal({ detail.type, detail.ctx.error, detail.loc }, { "json_invalid", words, { "body", document.place } }, what)
              else
                test.equal({ status, answer.detail }, { 400, "There was an error parsing the body" }, what)
              end
            end
            local value, message = agenthost.json.decode(bytes)
            test.equal(value, nil)
            test.equal(message, ("invalid JSON at byte %d: %s"):format(document.offset, words))
            client:send_raw(bytes, true)
            test.equal(client:receive("error").payload.error, "Invalid JSON format", "document " .. number)
            host:message("t", bytes)
            local line = host.log[#host.log]
            assert(line:find("the payload is not JSON: " .. document.shown, 1, true), line)
          end
        end)
        """
}

extension String {
    /// A byte as Lua writes it in a text.
    fileprivate init(format byte: UInt8) {
        let digits = String(byte)
        self = "\\" + String(repeating: "0", count: 3 - digits.count) + digits
    }
}
