import NIOCore
import Testing

@testable import HTTP1

@Suite("Hostile input")
struct HostileInputTests {
    /// SplitMix64, so that a failure can be had again.
    struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }

    /// Changes, removes, doubles and inserts bytes here and there.
    private static func mutated(_ bytes: [UInt8], _ generator: inout Generator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 0...3, using: &generator) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes[at] = UInt8.random(in: .min ... .max, using: &generator)
            case 1: bytes.remove(at: at)
            case 2: bytes.insert(bytes[at], at: at)
            default: bytes.insert([0x00, 0x0A, 0x0D, 0x20, 0x3A].randomElement(using: &generator) ?? 0, at: at)
            }
        }
        return bytes
    }

    private static func outcome(_ parts: [[UInt8]]) -> String {
        var parser = RequestHeadParser(maxBytes: 1000, maxFields: 10)
        var settings = HTTPSettings()
        settings.maxMessageBytes = 100
        var body: RequestBodyReader?
        var head = RequestHead()
        var input = ByteBuffer()
        for part in parts {
            input.writeBytes(part)
            if body == nil {
                switch parser.parse(input) {
                case .incomplete: continue
                case .refused(let refusal): return "\(refusal)"
                case .complete(let complete):
                    head = complete
                    input.moveReaderIndex(forwardBy: complete.length)
                    body = RequestBodyReader(complete.framing, settings: settings)
                }
            }
            switch body?.read(&input) {
            case .incomplete, nil: continue
            case .refused(let refusal): return "\(refusal)"
            case .complete(let whole): return "\(head.method) \(head.path) \(head.fieldCount) \(String(buffer: whole))"
            }
        }
        return "incomplete"
    }

    @Test("a request means the same however it is cut, and nothing crashes")
    func requests() {
        let seeds = [
            "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: keep-alive, x\r\n\r\nhello",
            "POST http://a/b HTTP/1.1\r\nHost: a:80\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: a\r\n\r\n",
            "OPTIONS * HTTP/1.0\r\nOrigin: https://a\r\nExpect: 100-continue\r\n\r\n",
        ].map { Array($0.utf8) }
        var generator = Generator(state: 1)
        var outcomes: Set<String> = []
        for round in 0..<6_000 {
            let bytes = Self.mutated(seeds[round % seeds.count], &generator)
            let cut = Int.random(in: 0...bytes.count, using: &generator)
            let whole = Self.outcome([bytes])
            #expect(Self.outcome([Array(bytes[..<cut]), Array(bytes[cut...])]) == whole)
            outcomes.insert(whole)
        }
        for seed in seeds { #expect(Self.outcome(seed.map { [$0] }) == Self.outcome([seed])) }
        #expect(outcomes.count > 30)
    }

    private static func events(_ parts: [[UInt8]]) -> [String] {
        var reader = WebSocketReader(maxMessageBytes: 300)
        var input = ByteBuffer()
        var events: [String] = []
        for part in parts {
            input.writeBytes(part)
            reading: while true {
                switch reader.next(&input) {
                case .incomplete: break reading
                case .message(let binary): events.append("message \(binary) \(Array(reader.message.readableBytesView))")
                case .ping(let data): events.append("ping \(Array(data.readableBytesView))")
                case .pong: events.append("pong")
                case .close(let code): return events + ["close \(code ?? 0)"]
                case .failure(let code, _): return events + ["failure \(code)"]
                }
            }
        }
        return events
    }

    @Test("frames mean the same however they are cut, and nothing crashes")
    func frames() {
        let seed =
            WebSocketProbe.frame(0x01, Array("κόσ".utf8)) + WebSocketProbe.frame(0x89, [1, 2])
            + WebSocketProbe.frame(0x80, Array("με".utf8)) + WebSocketProbe.frame(0x82, Array(repeating: 7, count: 200))
            + WebSocketProbe.frame(0x88, [0x03, 0xE8])
        #expect(Self.events([seed]).count == 4)
        var generator = Generator(state: 2)
        for _ in 0..<2_000 {
            let bytes = Self.mutated(seed, &generator)
            let cut = Int.random(in: 0...bytes.count, using: &generator)
            let whole = Self.events([bytes])
            let parts = Self.events([Array(bytes[..<cut]), Array(bytes[cut...])])
            #expect(parts == whole)
        }
    }
}
