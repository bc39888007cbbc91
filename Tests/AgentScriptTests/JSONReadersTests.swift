import AgentModel
import LuaRuntime
import NIOCore
import Testing

/// Of what one scanner reads, Lua values are made, values of the host's own, and slices of documents that no script sees.
/// Most of the first are read by simdjson before it. A client must not be able to tell which way its document went.
@Suite struct JSONReadersTests {
    /// What a reader says of a document.
    struct Answer: Equatable, CustomStringConvertible {
        var value: JSONValue?
        var message = ""
        var offset = 0
        var isUTF8Error = false

        var description: String { value?.description ?? "\(message) at \(offset)" }
    }

    private func read(_ document: [UInt8], with stack: LuaStack) -> Answer {
        do throws(JSONDecodingError) {
            let pushed = document.withUnsafeBytes { bytes in
                Result { () throws(JSONDecodingError) in try stack.pushJSON(bytes) }
            }
            try pushed.get()
        } catch {
            return Answer(message: error.message, offset: error.offset, isUTF8Error: error.isUTF8Error)
        }
        defer { stack.pop() }
        let text = try? stack.withJSON(at: -1, path: "value") { ByteBuffer(bytes: $0) }
        return Answer(value: text.flatMap { try? JSONValue(parsing: $0) })
    }

    private func check(_ document: [UInt8]) -> Answer {
        do throws(JSONError) {
            return Answer(value: try JSONValue(parsing: ByteBuffer(bytes: document)))
        } catch {
            return Answer(message: error.message, offset: error.offset, isUTF8Error: error.isUTF8Error)
        }
    }

    private func scan(_ document: [UInt8]) -> (message: String, offset: Int)? {
        do throws(JSONError) {
            try JSONScanner.validate(ByteBuffer(bytes: document))
            return nil
        } catch {
            return (error.message, error.offset)
        }
    }

    private func compare(_ documents: [[UInt8]]) throws {
        let state = try LuaState()
        defer { state.close() }
        for document in documents {
            let shown = Comment(rawValue: String(decoding: document.prefix(300), as: UTF8.self))
            let lua = read(document, with: state.stack)
            let swift = check(document)
            #expect(lua == swift, shown)
            let scanned = scan(document)
            #expect((scanned == nil) == (swift.value != nil), shown)
            if let scanned { #expect(scanned.message == swift.message && scanned.offset == swift.offset, shown) }
            #expect(state.stack.top == 0)
        }
    }

    /// The kinds of JSONTestSuite (Seriot, "Parsing JSON is a minefield"): accepted, refused, left to the reader.
    static let texts: [String] = [
        // y_
        "[]", "{}", "[[]   ]", "[\"\"]", "[false]", "[null, 1, \"1\", {}]", "[1\n]", " [1]", "[1,null,null,null,2]",
        "[2] ",
        "[123e65]", "[0e+1]", "[0e1]", "[ 4]", "[-0.000000000000000000000000000000000000000000000000000000000000001]",
        "[20e1]", "[-0]", "[-123]", "[-1]", "[1E22]", "[1E-2]", "[1E+2]", "[123e45]", "[123.456e78]", "[1e-2]",
        "[1e+2]",
        "[123.456789]", "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}", "{\"a\":\"b\",\"a\":\"c\"}", "{\"a\":\"b\",\"a\":\"b\"}",
        "{\"\":0}",
        "{\"foo\\u0000bar\": 42}", "{ \"min\": -1.0e+28, \"max\": 1.0e+28 }",
        "{\"title\":\"\\u041f\\u043e\\u043b\\u0442\\u043e\\u0440\\u0430\"}", "{\n\"a\": \"b\"\n}",
        "[\"\\u0060\\u012a\\u12AB\"]", "[\"\\ud801\\udc37\"]", "[\"\\ud83d\\ude39\\ud83d\\udc8d\"]",
        "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\\\u0000\"]", "[\"\\\"\"]", "[\"a/*b*/c/*d//e\"]", "[\"\\\\a\"]",
        "[\"\\\\n\"]",
        "[\"\\u0012\"]", "[\"\\uFFFF\"]", "[\"asd\"]", "[ \"asd\"]", "[\"\\uDBFF\\uDFFF\"]", "[\"new\\u00A0line\"]",
        "[\"\u{10FFFF}\"]", "[\"\u{FFFF}\"]", "[\"\\u0000\"]", "[\"\\u002c\"]", "[\"π\"]", "[\"asd \"]", "\" \"",
        "[\"\\uD834\\uDd1e\"]", "[\"\u{2028}\u{2029}\"]", "[\"\\u0821\"]", "[\"\\u0123\"]",
        "[\"\\u0061\\u30af\\u30EA\\u30b9\"]",
        "[\"\\uA66D\"]", "[\"\\u005C\"]", "[\"⍂㈴⍂\"]", "[\"\\u200B\"]", "[\"\\u0022\"]", "[\"€𝄞\"]", "[\"a\u{7F}a\"]",
        "false",
        "42", "-0.1", "null", "\"asd\"", "true", "\"\"", "[true]", " [] ", "\t[\r\n]",
        // n_
        "[1 true]", "[\"\": 1]", "[\"\"],", "[,1]", "[1,,2]", "[\"x\",,]", "[\"x\"]]", "[\"\",]", "[\"x\"", "[x",
        "[3[4]]", "[,]",
        "[-]", "[   , \"\"]", "[\"a\",\n4\n,1,", "[1,]", "[1,,]", "[\"\u{0B}a\"\\f]", "[*]", "[\"\"", "[1,",
        "[1,\n1\n,1", "[{}",
        "[fals]", "[nul]", "[tru]", "[++1234]", "[+1]", "[+Inf]", "[-01]", "[-1.0.]", "[-2.]", "[-NaN]", "[.-1]",
        "[.2e-3]",
        "[0.1.2]", "[0.3e+]", "[0.3e]", "[0.e1]", "[0E+]", "[0E]", "[0e+]", "[0e]", "[1.0e+]", "[1.0e-]", "[1.0e]",
        "[1 000.0]", "[1eE2]", "[2.e+3]", "[2.e-3]", "[2.e3]", "[9.e+]", "[Inf]", "[NaN]", "[１]", "[1+2]", "[0x1]",
        "[0x42]",
        "[Infinity]", "[0e+-1]", "[-123.123foo]", "[-Infinity]", "[-foo]", "[- 1]", "[-012]", "[-.123]", "[-1x]",
        "[1ea]",
        "[1e1", "[1.]", "[.123]", "[1.2a-3]", "[1.8011670033376514H-308]", "[012]", "[\"x\", truth]", "{[: \"x\"}\n",
        "{\"x\", null}", "{\"x\"::\"b\"}", "{🇨🇭}", "{\"a\":\"a\" 123}", "{key: 'value'}", "{\"a\" b}", "{:\"b\"}",
        "{\"a\"", "{1:1}",
        "{9999E9999:1}", "{null:null,null:null}", "{\"id\":0,,,,,}", "{'a':0}", "{\"id\":0,}", "{\"a\":\"b\"}/**/",
        "{\"a\":\"b\"}/**//", "{\"a\":\"b\"}//", "{\"a\":\"b\"}/", "{\"a\":\"b\",,\"c\":\"d\"}", "{a: \"b\"}",
        "{\"a\":\"a", "{ \"foo\" : ",
        "{\"a\":\"b\"}#", " ", "[\"\\uD800\\u\"]", "[\"\\uD800\\u1\"]", "[\"\\uD800\\u1x\"]", "[é]", "[\"\\x00\"]",
        "[\"\\\\\\\"]",
        "[\"\\\t\"]", "[\"\\🌀\"]", "[\"\\\"]", "[\"\\u00A\"]", "[\"\\uD834\\uDd\"]", "[\"\\uD800\\uD800\\x\"]",
        "[\"\\a\"]",
        "[\"\\uqqqq\"]", "[\"a\\", "[\"\\u", "['single quote']", "abc", "[\"new\nline\"]", "[\"\t\"]", "\"\\UA66D\"",
        "\"x", "<.>",
        "[<null>]", "[1]x", "[1]]", "[\"asd]", "aå", "[True]", "1]", "{\"x\": true,", "[][]", "]", "{}}", "{\"\":",
        "{\"a\":/*c*/\"b\"}",
        "{\"a\": true} \"x\"", "*", "{\"a\":\"b\"}#{}", "[\\u000A\"\"]", "[1", "[ false, nul", "[ true, fals",
        "[ false, tru",
        "{\"asd\":\"asd\"", "å", "[\u{2060}]", "\u{FEFF}", "\u{FEFF}{}", "[\u{0C}]", "\"\\ud83d\\", "\"\\ud83d\\ude00",
        // i_
        "[123.456e-789]",
        "[0.4e00669999999999999999999999999999999999999999999999999999999999999999999999969999999006]",
        "[-1e+9999]", "[1.5e+9999]", "[-123123e100000]", "[123123e100000]", "[123e-10000000]",
        "[-123123123123123123123123123123]", "[100000000000000000000]",
        "[-237462374673276894279832749832423479823246327846]",
        "{\"\\uDFAA\":0}", "[\"\\uDADA\"]", "[\"\\uD888\\u1234\"]", "[\"\\ud800\"]", "[\"\\uD800\\n\"]",
        "[\"\\uDd1ea\"]",
        "[\"\\uD800\\uD800\\n\"]", "[\"\\ud800abc\"]", "[\"\\uDd1e\\uD834\"]", "[\"\\uDFAA\"]", "1e308", "1e309",
        "-1e309",
        "1.7976931348623157e308", "1.7976931348623159e308", "179769313486231580793e289", "5e-324", "2e-324",
        "1e-99999999999999999999",
        "1e99999999999999999999", "0e99999999999999999999", "-0e999", "0.0e400", "18446744073709551616",
        "9223372036854775808",
        "-9223372036854775809", "-9223372036854775808", "-0", "-0.0", "6.30", "1e2",
    ]

    private static var documents: [[UInt8]] {
        var documents = texts.map { Array($0.utf8) }
        for depth in [126, 127, 128, 129, 130, 1000, 100_000] {
            for inner in ["", "1", "{}", "[]"] {
                documents.append(nested(depth, "[", inner, "]"))
                documents.append(nested(depth, "{\"a\":", inner.isEmpty ? "0" : inner, "}"))
            }
            documents.append(nested(depth, "[", "", ""))
            documents.append(nested(depth, "{\"a\":", "", ""))
        }
        // What is not UTF-8, alone, in a string, and before and behind another fault.
        let invalid: [[UInt8]] = [
            [0xFF], [0xC0, 0xAF], [0xC3], [0xE0, 0x80, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80],
            [0xF0, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0x80], [0xF0, 0x9F, 0x98], [0xEF, 0xBB], [0xE9],
        ]
        for bytes in invalid {
            documents += [
                bytes, [0x22] + bytes + [0x22], [0x5B, 0x22] + bytes, [0x5B, 0x31, 0x5D] + bytes, bytes + [0x7B],
            ]
            documents.append([0xEF, 0xBB, 0xBF] + bytes)
            documents.append([0x7B, 0x7D, 0x20, 0x22] + bytes + [0x22])
        }
        // UTF-16 and UTF-32, with and without a byte order mark.
        documents += [
            [0x5B, 0, 0x5D, 0], [0xFF, 0xFE, 0x5B, 0, 0x5D, 0], [0, 0x5B, 0, 0x5D], [0, 0, 0, 0x5B], [0x00],
        ]
        return documents
    }

    private static func nested(_ depth: Int, _ open: String, _ inner: String, _ close: String) -> [UInt8] {
        Array((String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)).utf8)
    }

    @Test("every way says the same of the documents that readers differ about")
    func known() throws {
        try compare(Self.documents)
    }

    @Test("every way says the same of generated documents and their mutations", arguments: 1...8)
    func generated(seed: Int) throws {
        var source = JSONSource(seed: seed)
        try compare((0..<300).map { _ in source.document() })
    }

    @Test("every way says the same of documents too long for the fast path", arguments: 1...3)
    func long(seed: Int) throws {
        var source = JSONSource(seed: seed)
        let filler = Array("\"\(String(repeating: "x", count: 300_000))\"".utf8)
        try compare((0..<6).map { _ in [0x5B] + filler + [0x2C] + source.document() + [0x5D] })
    }
}

/// Random documents, half of them damaged.
struct JSONSource {
    private var random: Generator

    init(seed: Int) {
        random = Generator(state: UInt64(seed))
    }

    /// SplitMix64, so that a document that fails comes again.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    mutating func document() -> [UInt8] {
        var bytes = Array(value(depth: 0).utf8)
        guard Bool.random(using: &random) else { return bytes }
        for _ in 0...Int.random(in: 0...2, using: &random) { damage(&bytes) }
        return bytes
    }

    private mutating func pick(_ choices: [String]) -> String {
        choices.randomElement(using: &random) ?? ""
    }

    private mutating func value(depth: Int) -> String {
        switch Int.random(in: 0..<(depth > 4 ? 6 : 10), using: &random) {
        case 0...1: return number()
        case 2...3: return "\"\(characters())\""
        case 4...5: return pick(["true", "false", "null"])
        case 6...7:
            let items = (0..<Int.random(in: 0...5, using: &random)).map { _ in value(depth: depth + 1) }
            return "[\(space())\(items.joined(separator: space() + "," + space()))\(space())]"
        default:
            let members = (0..<Int.random(in: 0...5, using: &random)).map { _ in
                "\"\(characters())\"\(space()):\(space())\(value(depth: depth + 1))"
            }
            return "{\(space())\(members.joined(separator: "," + space()))}"
        }
    }

    private mutating func space() -> String { pick(["", "", "", " ", "\n", "\t\r "]) }

    private mutating func characters() -> String {
        (0..<Int.random(in: 0...4, using: &random)).map { _ in
            pick([
                "a", "b", "é", "€", "😀", "\\\"", "\\\\", "\\n", "\\u00e9", "\\ud83d\\ude00", "\\u0000", "/", "\\/",
                "\u{7F}",
                "twelve bytes", "\u{2028}", "\\ud800", "\\udc00",
            ])
        }.joined()
    }

    private mutating func number() -> String {
        let digits = { (generator: inout Generator, longest: Int) in
            (0..<Int.random(in: 1...longest, using: &generator)).map { _ in
                String(Int.random(in: 0...9, using: &generator))
            }.joined()
        }
        var text = pick(["", "-"]) + pick(["0", "1", "9", "12"])
        if !text.hasSuffix("0"), Int.random(in: 0..<3, using: &random) == 0 { text += digits(&random, 25) }
        if Int.random(in: 0..<3, using: &random) == 0 { text += "." + digits(&random, 25) }
        if Int.random(in: 0..<3, using: &random) == 0 {
            text +=
                pick(["e", "E"]) + pick(["", "+", "-"])
                + pick(["0", "1", "15", "22", "300", "308", "309", "324", "999999"])
        }
        return text
    }

    private mutating func damage(_ bytes: inout [UInt8]) {
        let at = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0 where at < bytes.count: bytes.remove(at: at)
        case 1 where at < bytes.count: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 2: bytes.removeSubrange(at...)
        case 3: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
        default:
            let structural = Array("{}[],:\"\\0123456789.eE+-truefalsn \n\u{0}\u{1F}".utf8)
            bytes.insert(structural.randomElement(using: &random) ?? 0, at: at)
        }
    }
}
