import AgentModel
import NIOCore
import Testing

@testable import AgentAPI
@testable import HTTP1

@Suite("Values of the realtime layer")
struct RealtimeValueTests {
    @Test("UTF-8 is accepted and refused as Swift does, wherever it is cut")
    func utf8() {
        var generator = SystemRandomNumberGenerator()
        let alphabet: [[UInt8]] = [
            [0x41], [0x7F], [0xC3, 0xA9], [0xE2, 0x82, 0xAC], [0xED, 0x9F, 0xBF], [0xF0, 0x9F, 0x98, 0x80],
            [0xF4, 0x8F, 0xBF, 0xBF], [0x80], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE0, 0x80],
            [0xF5], Array("ascii text".utf8),
        ]
        for _ in 0..<5000 {
            let length = Int.random(in: 0...5, using: &generator)
            let bytes = (0..<length).flatMap { _ in alphabet.randomElement(using: &generator) ?? [] }
            var validator = UTF8Validator()
            let cut = Int.random(in: 0...bytes.count, using: &generator)
            let isValid = [bytes[..<cut], bytes[cut...]].allSatisfy { part in
                Array(part).withUnsafeBytes { validator.accept($0) }
            }
            #expect((isValid && validator.isComplete) == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
        }
    }

    @Test(
        "what a server frames, a reader that forgives the missing mask reads", arguments: [0, 125, 126, 65_535, 65_536])
    func frames(length: Int) {
        let payload = ByteBuffer(repeating: 0x61, count: length)
        let frame = WebSocketFrame.message(payload, binary: true)
        let header = length < 126 ? 2 : length < 65_536 ? 4 : 10
        #expect(frame.readableBytes == header + length)
        #expect(frame.getSlice(at: frame.readerIndex + header, length: length) == payload)
        #expect(frame.getInteger(at: frame.readerIndex, as: UInt8.self) == 0x82)
    }

    @Test("a long reason of a close frame is cut between characters")
    func closeReason() {
        let frame = WebSocketFrame.close(1000, String(repeating: "é", count: 100))
        #expect(frame.readableBytes == 2 + 2 + 122)
        #expect(WebSocketFrame.close(nil, "").readableBytes == 2)
    }

    @Test("the date of a response is as HTTP writes it")
    func date() {
        for (seconds, text) in [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (1_709_208_000, "Thu, 29 Feb 2024 12:00:00 GMT"), (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
        ] {
            var buffer = ByteBuffer()
            HTTPDate.write(seconds, to: &buffer)
            #expect(String(buffer: buffer) == text)
        }
    }
}
