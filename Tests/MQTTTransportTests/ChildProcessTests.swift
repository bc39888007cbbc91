import DevelopmentBrokers
import Foundation
import Testing

@Suite("Children of the host") struct ChildProcessTests {
    @Test("have nothing open of what the host has: a pipe ends when the host's end of it is closed") func inheritance()
        async throws
    {
        var ends: [Int32] = [-1, -1]
        // As another thread leaves it between making a pipe and starting a child of its own.
        try #require(pipe(&ends) == 0)
        let errors = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: errors) }
        let child = try ChildProcess(["/bin/sleep", "600"], errorFile: errors)
        close(ends[1])
        var reader = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
        #expect(poll(&reader, 1, 10_000) == 1)
        #expect(reader.revents & Int16(POLLHUP) != 0)
        #expect(!child.hasEnded(waiting: false))
        close(ends[0])
        child.kill()
        #expect(child.hasEnded(waiting: true))
    }
}
