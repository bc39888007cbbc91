import NIOCore
import Testing

@testable import AgentScript

@Suite("A buffer that the next bytes go into too")
struct KeptBufferTests {
    @Test("what someone has kept stays what it was")
    func keptByOthers() {
        var buffer = KeptBuffer()
        let taken = ["one", "", "the third", "4"].map { text in
            Array(text.utf8).withUnsafeBytes { buffer.take($0) }
            return buffer.bytes
        }
        #expect(taken.map { String(buffer: $0) } == ["one", "", "the third", "4"])
    }

    @Test("nobody keeps it: the same memory again, unless it has grown very large")
    func sameMemory() {
        func address(after size: Int) -> UnsafeRawPointer? {
            [UInt8](repeating: 1, count: size).withUnsafeBytes { buffer.take($0) }
            return buffer.bytes.withUnsafeReadableBytes { UnsafeRawPointer($0.baseAddress) }
        }
        var buffer = KeptBuffer()
        let first = address(after: 1000)
        #expect(address(after: 10) == first)
        #expect(address(after: 1 << 20) != first)
        #expect(buffer.bytes.readableBytes == 1 << 20)
        _ = address(after: 10)
        #expect(buffer.bytes.capacity <= 64 << 10)
    }
}
