import AgentModel
import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import AgentHosting

/// Dead letters that no broker took, on the disk.
@Suite struct SpoolFolderTests {
    /// A state folder that is gone when the test is over.
    private final class State: Sendable {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("spool-\(UUID().uuidString)").path

        deinit {
            try? FileManager.default.removeItem(atPath: path)
        }
    }

    private let state = State()

    private func folder(_ service: String = "ward") -> SpoolFolder {
        SpoolFolder(statePath: state.path, service: service)
    }

    private func letter(_ topic: String, _ id: String, value: String = "v") -> KeptLetter {
        KeptLetter(
            id: id, time: 1_767_323_045_678, reason: "too large",
            letter: DeadLetter(.kafka, Record(topic: topic, value: ByteBuffer(string: value))))
    }

    private func keep(_ letter: KeptLetter, in folder: SpoolFolder) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        try await loop.flatSubmit {
            let promise = loop.makePromise(of: Void.self)
            folder.keep(letter, on: loop) { failure in
                loop.assertInEventLoop()
                if let failure { promise.fail(failure) } else { promise.succeed() }
            }
            return promise.futureResult
        }.get()
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test("what is kept is there for whoever comes later, by topic, in a folder that is its user's alone")
    func kept() async throws {
        let folder = folder()
        #expect(folder.count == 0)
        for (topic, id) in [("orders.dlq", "1"), ("dlq/a/b", "2"), ("orders.dlq", "3")] {
            try await keep(letter(topic, id), in: folder)
        }
        try await keep(letter("t", "4"), in: self.folder("other/service"))
        #expect(folder.count == 3)
        let topics = try SpoolFolder.all(statePath: state.path).flatMap { try $0.topics() }
        #expect(topics.map { "\($0.service) \($0.name)" } == ["other/service t", "ward dlq/a/b", "ward orders.dlq"])
        #expect(topics.map { $0.letters.map(\.id) } == [["4"], ["2"], ["1", "3"]])
        #expect(try mode(folder.path) == 0o700)
        #expect(try mode("\(folder.path)/orders.dlq.jsonl") == 0o600)
    }

    @Test("letters are taken out one by one, and the file goes with the last")
    func removed() async throws {
        let folder = folder()
        for id in ["1", "2", "3"] { try await keep(letter("t", id), in: folder) }
        try folder.remove(["2"], of: "t")
        #expect(try folder.topics().first?.letters.map(\.id) == ["1", "3"])
        #expect(folder.count == 2)
        try folder.remove(["1", "3"], of: "t")
        #expect(try folder.topics().isEmpty)
        #expect(folder.count == 0)
    }

    @Test("letters that come at one time, and are taken out meanwhile, do not mix")
    func together() async throws {
        let folder = folder()
        let other = self.folder()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in 0..<40 {
                tasks.addTask {
                    let value = String(repeating: "x", count: number * 300)
                    try await keep(letter("t", "\(number)", value: value), in: number % 2 == 0 ? folder : other)
                }
                tasks.addTask { try other.remove(["\(number - 20)"], of: "t") }
            }
            try await tasks.waitForAll()
        }
        let kept = try folder.topics().flatMap(\.letters)
        #expect(Set(kept.map(\.id)).isSuperset(of: (20..<40).map(String.init)))
        #expect(Set(kept.map(\.id)).count == kept.count && kept.count == other.count)
    }

    @Test("a line that is no letter stays where it is, and hides no other")
    func strayLine() async throws {
        let folder = folder()
        try await keep(letter("t", "1"), in: folder)
        let file = "\(folder.path)/t.jsonl"
        try "half a li\n".write(toFile: file, atomically: false, encoding: .utf8)
        try await keep(letter("t", "2"), in: folder)
        #expect(try folder.topics().first?.letters.map(\.id) == ["2"])
        try folder.remove(["2"], of: "t")
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "half a li\n")
    }

    @Test(
        "no name of a topic or service leads out of the folder",
        arguments: [
            "../../x", "..", ".", "", "/etc/passwd", "a/../../b", "é.ü", String(repeating: "long/é", count: 100),
        ])
    func names(name: String) async throws {
        let folder = folder(name)
        try await keep(letter(name, "1"), in: folder)
        #expect(folder.path.hasPrefix("\(state.path)/spool/"))
        #expect(try folder.topics().first?.name == name)
        let spools = try FileManager.default.contentsOfDirectory(atPath: "\(state.path)/spool")
        #expect(spools.count == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: state.path) == ["spool"])
    }

    @Test("where nothing can be written it is told, with the place and the system's reason")
    func unwritable() async throws {
        try "a file".write(toFile: state.path, atomically: true, encoding: .utf8)
        let folder = folder()
        let failure = await #expect(throws: DeliveryFailure.self) { try await keep(letter("t", "1"), in: folder) }
        #expect(failure?.description.contains(folder.path) == true)
        #expect(folder.count == 0)
    }
}
