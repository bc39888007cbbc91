import NIOCore
import Testing

@testable import HTTP1

@Suite("Reading one request after another") struct RequestReaderTests {
    private static let head = "POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n"

    /// What is read from bytes that come in the parts given: for each request its path, its query, its body, and whether
    /// its head was the one before.
    private func read(_ parts: [String]) -> [String] {
        var settings = HTTPSettings()
        settings.maxHeadBytes = 4096
        var reader = RequestReader(settings)
        var input = ByteBuffer()
        var isWithinBody = false
        var isRepeated = false
        var read: [String] = []
        for part in parts {
            input.writeString(part)
            while input.readableBytes > 0 {
                if !isWithinBody {
                    guard case .complete(let repeated) = reader.readHead(&input) else { break }
                    reader.beginBody()
                    isRepeated = repeated
                    isWithinBody = true
                }
                guard case .complete(let body) = reader.readBody(&input) else { break }
                isWithinBody = false
                let head = reader.head
                let query = head.text(head.query) ?? ""
                read.append("\(head.text(head.path)) \(query) \(String(buffer: body))\(isRepeated ? " again" : "")")
            }
        }
        return read
    }

    @Test("a head that comes again is known, and one that differs by a byte is read")
    func repeated() {
        let other = Self.head.replacing("/a", with: "/c")
        #expect(
            read([Self.head + "{}" + Self.head + "[]" + other + "10" + Self.head + "11"])
                == ["/a b {}", "/a b [] again", "/c b 10", "/a b 11"])
    }

    @Test("heads are the same however they come in parts")
    func parts() {
        let bytes = Self.head + "{}" + Self.head + "[]" + Self.head + "10"
        for length in 1...bytes.utf8.count {
            let parts = stride(from: 0, to: bytes.utf8.count, by: length).map { begin in
                String(decoding: bytes.utf8.dropFirst(begin).prefix(length), as: UTF8.self)
            }
            #expect(read(parts).map { $0.replacing(" again", with: "") } == ["/a b {}", "/a b []", "/a b 10"])
        }
    }

    @Test("a head that goes on where the one before ended is another")
    func longer() {
        let longer = Self.head.replacing("\r\n\r\n", with: "\r\nX: y\r\n\r\n")
        #expect(read([Self.head + "{}" + longer + "[]"]) == ["/a b {}", "/a b []"])
    }

    @Test("after a request that cannot be read nothing of the one before is known")
    func refused() {
        var reader = RequestReader(HTTPSettings())
        var input = ByteBuffer(string: Self.head + "GET /\r\n\r\n")
        guard case .complete = reader.readHead(&input) else {
            Issue.record("no head")
            return
        }
        guard case .refused = reader.readHead(&input) else {
            Issue.record("not refused")
            return
        }
        #expect(reader.head.path.isEmpty)
        #expect(reader.head.bytes.readableBytes == 0)
    }

    @Test("the bytes of a long head are those that came, too")
    func long() {
        let head = Self.head.replacing("\r\n\r\n", with: "\r\nX: \(String(repeating: "y", count: 2000))\r\n\r\n")
        #expect(read([head + "{}" + head + "[]"]) == ["/a b {}", "/a b []"])
    }
}
