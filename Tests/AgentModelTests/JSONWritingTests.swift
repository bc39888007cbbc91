import AgentModel
import NIOCore
import Testing

@Suite struct JSONWritingTests {
    private func written(_ write: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer()
        write(&buffer)
        return String(buffer: buffer)
    }

    @Test(
        "strings escape the quote, the backslash and control characters, and nothing else",
        arguments: [
            ("", #""""#), ("plain text of more than eight bytes", #""plain text of more than eight bytes""#),
            ("\"", #""\"""#), ("\\", #""\\""#), ("a/b", #""a/b""#), ("\u{8}\u{C}\n\r\t", #""\b\f\n\r\t""#),
            ("\0\u{1F}\u{7F}", "\"\\u0000\\u001f\u{7F}\""), ("12345678\"", #""12345678\"""#),
            ("1234567\\8", #""1234567\\8""#),
            ("é€𝄞 and more of it 𝄞", #""é€𝄞 and more of it 𝄞""#), ("ééééé\nééééé", #""ééééé\nééééé""#),
            ("\u{2028}", "\"\u{2028}\""),
        ])
    func strings(text: String, expected: String) {
        #expect(written { $0.writeJSONString(text) } == expected)
    }

    @Test("every control character is written so that it reads back")
    func controlCharacters() throws {
        for code in UInt8.min...0x7F {
            let text = "ab\(Unicode.Scalar(code))cdefghijk"
            #expect(try JSONValue(parsing: written { $0.writeJSONString(text) }) == .string(text))
        }
    }

    @Test("a string that is not there is null")
    func nilString() {
        #expect(written { $0.writeJSONStringOrNull(nil) } == "null")
        #expect(written { $0.writeJSONStringOrNull("x") } == #""x""#)
    }

    @Test(
        "integers are written as Swift writes them",
        arguments: [
            0, 1, -1, 9, 10, -10, 99, 100, 1_234_567_890, .max, .min, .max - 1, .min + 1,
        ] as [Int64])
    func integers(value: Int64) {
        #expect(written { $0.writeJSONInteger(value) } == String(value))
    }

    @Test(
        "numbers are the shortest that read back, and stay floating-point",
        arguments: [
            (1, "1.0"), (-0.0, "-0.0"), (0.1, "0.1"), (1.5, "1.5"), (100, "100.0"), (1e20, "1e+20"), (1e-7, "1e-07"),
            (.leastNonzeroMagnitude, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308"),
            (0.30000000000000004, "0.30000000000000004"),
            (.infinity, "null"), (-.infinity, "null"), (.nan, "null"),
        ] as [(Double, String)])
    func numbers(value: Double, expected: String) {
        #expect(written { $0.writeJSONNumber(value) } == expected)
    }

    @Test("random numbers read back to the bit")
    func numberRoundTrip() throws {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<500 {
            let value = Double(bitPattern: generator.next())
            guard value.isFinite else { continue }
            let read = try JSONValue(parsing: written { $0.writeJSONNumber(value) })
            #expect(read == .number(value))
        }
    }

    @Test("a timestamp is appended without quotes")
    func timestamp() {
        let text = written {
            $0.writeStaticString("at ")
            $0.writeTimestamp(1_767_323_045_678)
            $0.writeStaticString(";")
        }
        #expect(text == "at 2026-01-02T03:04:05.678Z;")
    }
}
