import AgentModel
import NIOCore
import Testing

@Suite struct JSONValueTests {
    @Test(
        "documents that RFC 8259 allows are read",
        arguments: [
            ("null", nil), (" \t\r\n true \n", true), ("false", false), ("0", 0), ("-0", 0),
            ("-0.0", JSONValue.number(-0.0)),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .number(0x1p63)),
            ("-9223372036854775809", .number(-0x1p63)),
            ("123456789012345678901234567890", .number(0x1.8ee90ff6c373ep96)),
            ("1.0", .number(1)), ("1E2", .number(100)), ("1e+2", .number(100)), ("25e-1", .number(2.5)),
            ("0e0", .number(0)),
            ("1e-400", .number(0)), ("5e-324", .number(.leastNonzeroMagnitude)),
            ("1.7976931348623157e308", .number(.greatestFiniteMagnitude)),
            ("0.1", .number(0.1)), ("-1.5e-3", .number(-0.0015)), ("1e00000000000000001", .number(10)),
            (#""""#, ""), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
            (#""\u0041\u00e9\u20AC\uD834\uDD1E""#, "Aé€𝄞"),
            (#""\u0000""#, "\0"), (#""\uFFFF\ufdcf""#, "\u{FFFF}\u{FDCF}"), ("\"é€𝄞\u{7F}\"", "é€𝄞\u{7F}"),
            (#""12345678\n12345678""#, "12345678\n12345678"), ("[]", []), ("[ ]", []), ("{}", [:]), ("{ }", [:]),
            ("[1,[2,[]],{}]", [1, [2, []], [:]]), (#"{"":{"a":[null]}}"#, ["": ["a": [nil]]]),
            (#"{"a":1,"b":2,"a":3}"#, ["a": 3, "b": 2]), (#"{"\u0061":1,"a":2}"#, ["a": 2]),
        ] as [(String, JSONValue)])
    func valid(document: String, expected: JSONValue) throws {
        #expect(try JSONValue(parsing: document) == expected)
        try JSONScanner.validate(ByteBuffer(string: document))
    }

    @Test("only what stands between the indices of a buffer is read")
    func slices() throws {
        var buffer = ByteBuffer(string: "xx[1]yy")
        buffer.moveReaderIndex(forwardBy: 2)
        buffer.moveWriterIndex(to: 5)
        #expect(try JSONValue(parsing: buffer) == [1])
        #expect(buffer.readableBytes == 3)
    }

    @Test("values are written without white space, members in order")
    func writing() {
        let value: JSONValue = [
            "z": 1, "a": [true, false, nil, 1.0, -2.5], "text": "é\"\\\n\u{1}", "empty": [:], "none": [],
        ]
        let text = #"{"z":1,"a":[true,false,null,1.0,-2.5],"text":"é\"\\\n\u0001","empty":{},"none":[]}"#
        #expect(value.description == text)
    }

    @Test("a value is taken apart by key, position and kind")
    func accessors() {
        let value: JSONValue = ["a": [1, 2.5, "x", true, nil]]
        #expect(value["a"]?[0]?.integerValue == 1)
        #expect(value["a"]?[0]?.numberValue == 1)
        #expect(value["a"]?[1]?.numberValue == 2.5)
        #expect(value["a"]?[1]?.integerValue == nil)
        #expect(value["a"]?[2]?.stringValue == "x")
        #expect(value["a"]?[3]?.boolValue == true)
        #expect(value["a"]?[4]?.isNull == true)
        #expect(value["a"]?[5] == nil)
        #expect(value["a"]?[-1] == nil)
        #expect(value["b"] == nil)
        #expect(value["a"]?.arrayValue?.count == 5)
        #expect(value.objectValue?.keys == ["a"])
        #expect(value.stringValue == nil)
    }

    @Test("random values survive writing and reading", arguments: 0..<40 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<20 {
            let value = Self.randomValue(depth: 0, using: &generator)
            let document = value.json()
            #expect(try JSONValue(parsing: document) == value)
            let members = try JSONScanner.members(of: document)
            if case .object(let object) = value {
                #expect(members?.count == object.count)
                for member in object { #expect(members?[member.key] == member.value.json()) }
            } else {
                #expect(members == nil)
            }
        }
    }

    @Test(
        "a document with a few bytes changed is refused or read, alike by all readers",
        arguments: 0..<40 as Range<UInt64>)
    func mutations(seed: UInt64) {
        var generator = SeededGenerator(seed: seed &+ 1000)
        let alphabet: [UInt8] = Array(#"{}[]",:\u0e-+.tfn "#.utf8) + [0x00, 0x1F, 0x80, 0xC3, 0xFF]
        for _ in 0..<20 {
            var bytes = Array(buffer: Self.randomValue(depth: 0, using: &generator).json())
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[at] = alphabet.randomElement(using: &generator) ?? 0
                case 1: bytes.insert(alphabet.randomElement(using: &generator) ?? 0, at: at)
                default: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...4, using: &generator)))
                }
            }
            let document = ByteBuffer(bytes: bytes)
            let parsed = Result { try JSONValue(parsing: document) }
            let validated = Result { try JSONScanner.validate(document) }
            switch (parsed, validated) {
            case (.success(let value), .success):
                #expect((try? JSONValue(parsing: value.json())) == value)
            case (.failure(let one), .failure(let other)):
                #expect(one as? JSONError == other as? JSONError)
                #expect((one as? JSONError)?.isUTF8Error == (String(validating: bytes, as: UTF8.self) == nil))
            default:
                Issue.record("the readers disagree on \(bytes)")
            }
        }
    }

    private static func randomValue(depth: Int, using generator: inout SeededGenerator) -> JSONValue {
        switch Int.random(in: 0..<(depth > 2 ? 6 : 10), using: &generator) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &generator))
        case 2:
            return .integer(Int64(truncatingIfNeeded: generator.next()) >> Int64.random(in: 0..<64, using: &generator))
        case 3:
            let number = Double(bitPattern: generator.next())
            return .number(number.isFinite ? number : 0.5)
        case 4: return .number(Double(Int.random(in: -1000...1000, using: &generator)) / 8)
        case 5: return .string(randomString(using: &generator))
        case 6, 7:
            return .array(
                (0..<Int.random(in: 0...5, using: &generator)).map { _ in
                    randomValue(depth: depth + 1, using: &generator)
                })
        default:
            return .object(
                JSONObject(
                    (0..<Int.random(in: 0...16, using: &generator)).map { _ in
                        (randomString(using: &generator), randomValue(depth: depth + 1, using: &generator))
                    }))
        }
    }

    private static func randomString(using generator: inout SeededGenerator) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...24, using: &generator) {
            let limit: UInt32 =
                [0x20, 0x80, 0x80, 0x80, 0x800, 0x10000, 0x110000].randomElement(using: &generator) ?? 0x80
            if let scalar = Unicode.Scalar(UInt32.random(in: 0..<limit, using: &generator)) { text.append(scalar) }
        }
        return String(text)
    }
}
