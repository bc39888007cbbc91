import AgentModel
import AgentStore
import CSQLite
import Foundation
import NIOCore
import NIOPosix
import Testing

/// The stores of agents on disk.
@Suite struct FolderStoresTests {
    private let folder = TemporaryFolder()

    @Test("what is set is there, also for a store that is opened later, and each agent has its own")
    func keeps() async throws {
        let first = StoreProbe(folder)
        #expect(try await first.get("a") == nil)
        try await first.set("a", "1")
        try await first.set("a", "2")
        try await first.set("empty", "")
        try await first.set("a", "other", of: "b")
        #expect(try await first.get("a") == "2")
        await first.stores.close()
        let second = StoreProbe(folder)
        #expect(try await second.get("a") == "2")
        #expect(try await second.get("empty") == "")
        #expect(try await second.get("a", of: "b") == "other")
        _ = try await second.ask(.delete(Array("a".utf8)))
        _ = try await second.ask(.delete(Array("none".utf8)))
        #expect(try await second.get("a") == nil)
        await second.stores.close()
    }

    @Test("kinds and bytes are what they were")
    func identity() async throws {
        let probe = StoreProbe(folder)
        for kind in [StoreValue.Kind.json, .bytes] {
            for bytes in [[], [0], [0xFF, 0x00, 0x80], Array(repeating: 7, count: StoreLimits.value)] as [[UInt8]] {
                let value = StoreValue(kind: kind, bytes: bytes)
                _ = try await probe.ask(.set([0, 0xFF], value))
                guard case .value(let read) = try await probe.ask(.get([0, 0xFF])) else {
                    Issue.record("no value")
                    return
                }
                #expect(read == value)
            }
        }
        await probe.stores.close()
    }

    @Test("keys are in the order of their bytes, those that begin with the prefix")
    func keys() async throws {
        let probe = StoreProbe(folder)
        for key in ["b", "a/2", "a/1", "a", "a0", "ä"] { try await probe.set(key, "v") }
        #expect(try await probe.keys() == ["a", "a/1", "a/2", "a0", "b", "ä"])
        #expect(try await probe.keys("a/") == ["a/1", "a/2"])
        #expect(try await probe.keys("z") == [])
        _ = try await probe.ask(.set([0xFF, 0xFF], StoreValue(kind: .bytes, bytes: [])))
        _ = try await probe.ask(.set([0xFF, 0xFF, 1], StoreValue(kind: .bytes, bytes: [])))
        guard case .keys(let last) = try await probe.ask(.keys(prefix: [0xFF, 0xFF])) else {
            Issue.record("no keys")
            return
        }
        #expect(last == [[0xFF, 0xFF], [0xFF, 0xFF, 1]])
        await probe.stores.close()
    }

    @Test("adding keeps integers integers, and refuses what is no number or too large")
    func add() async throws {
        let probe = StoreProbe(folder)
        #expect(try await probe.add("n", .integer(2)) == .integer(2))
        #expect(try await probe.add("n", .integer(-5)) == .integer(-3))
        #expect(try await probe.add("n", .real(0.5)) == .real(-2.5))
        #expect(try await probe.add("n", .real(2.5)) == .real(0))
        #expect(try await probe.get("n") == "0.0")
        #expect(try await probe.add("max", .integer(.max)) == .integer(.max))
        #expect(try await probe.failure(.add(Array("max".utf8), .integer(1))) == "the sum is too large for a number")
        try await probe.set("text", "12")
        #expect(
            try await probe.failure(.add(Array("text".utf8), .integer(1)))?.contains("is no number") == true)
        #expect(try await probe.get("max") == "9223372036854775807")
        await probe.stores.close()
    }

    @Test("many who add at once lose nothing, from several loops and two connections")
    func concurrent() async throws {
        let probes = [StoreProbe(folder), StoreProbe(folder)]
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for index in 0..<400 {
                let probe = probes[index % 2]
                tasks.addTask { _ = try await probe.add("n", .integer(1)) }
            }
            try await tasks.waitForAll()
        }
        #expect(try await probes[0].add("n", .integer(0)) == .integer(400))
        #expect(try await probes[1].add("n", .integer(0)) == .integer(400))
        for probe in probes { await probe.stores.close() }
    }

    @Test("what was asked for before the end is done, and what comes after it is refused")
    func close() async throws {
        let probe = StoreProbe(folder)
        let futures = (0..<200).map {
            probe.begin(.set(Array("k\($0)".utf8), StoreValue(kind: .bytes, bytes: [1])))
        }
        // All have been handed over once the loop has come by.
        try await probe.loop.submit {}.get()
        await probe.stores.close()
        for future in futures {
            if case .failure(let failure) = try await future.get() { Issue.record("\(failure)") }
        }
        #expect(try await probe.failure(.get([1])) != nil)
        let later = StoreProbe(folder)
        #expect(try await later.keys().count == 200)
        await later.stores.close()
    }

    @Test("the file and its folder are their user's alone, and nothing is made before an agent asks")
    func permissions() async throws {
        let probe = StoreProbe(folder)
        #expect(!FileManager.default.fileExists(atPath: folder.path))
        try await probe.set("a", "1")
        for name in ["a.sqlite", "a.sqlite-wal", "a.sqlite-shm"] {
            var status = stat()
            #expect(stat("\(folder.path)/\(name)", &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600, "\(name)")
        }
        var status = stat()
        #expect(stat(folder.path, &status) == 0 && status.st_mode & 0o777 == 0o700)
        await probe.stores.close()
    }

    // MARK: Failures

    @Test("a value that the disk has no room for fails alone, and leaves what was there")
    func full() async throws {
        let probe = StoreProbe(folder, largest: 64)
        try await probe.set("small", "before")
        let large = StoreValue(kind: .bytes, bytes: Array(repeating: 7, count: 1 << 20))
        // Together, so that they are one transaction.
        let futures = [
            probe.begin(.set(Array("a".utf8), StoreValue(kind: .bytes, bytes: [1]))),
            probe.begin(.set(Array("small".utf8), large)),
            probe.begin(.set(Array("b".utf8), StoreValue(kind: .bytes, bytes: [2]))),
        ]
        let results = try await [futures[0].get(), futures[1].get(), futures[2].get()]
        #expect(throws: Never.self) { _ = try results[0].get() }
        #expect(throws: Never.self) { _ = try results[2].get() }
        let failure = #expect(throws: DeliveryFailure.self) { _ = try results[1].get() }
        #expect(failure?.description == "the store \(folder.file("a")): database or disk is full")
        #expect(try await probe.get("small") == "before")
        #expect(try await probe.keys() == ["a", "b", "small"])
        await probe.stores.close()
    }

    @Test("a file that is no store is an error, stays as it is, and serves again once it is away")
    func broken() async throws {
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        let garbage = Data(repeating: 7, count: 5000)
        #expect(FileManager.default.createFile(atPath: folder.file("a"), contents: garbage))
        let probe = StoreProbe(folder)
        let message = "the store \(folder.file("a")): file is not a database"
        #expect(try await probe.failure(.get([1])) == message)
        #expect(try await probe.failure(.set([1], StoreValue(kind: .json, bytes: [0x31]))) == message)
        #expect(FileManager.default.contents(atPath: folder.file("a")) == garbage)
        try FileManager.default.moveItem(atPath: folder.file("a"), toPath: folder.file("broken"))
        try await probe.set("a", "1")
        #expect(try await probe.get("a") == "1")
        await probe.stores.close()
    }

    @Test("a database of somebody else, or of a newer version, is not touched")
    func foreign() async throws {
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        func make(_ agent: String, _ sql: String) {
            var handle: OpaquePointer?
            #expect(sqlite3_open(folder.file(agent), &handle) == SQLITE_OK)
            #expect(sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK)
            sqlite3_close(handle)
        }
        make("other", "CREATE TABLE t (a); PRAGMA user_version = 3")
        make("newer", "PRAGMA application_id = \(0x6167_7374); PRAGMA user_version = 2")
        let probe = StoreProbe(folder)
        #expect(try await probe.failure(.get([1]), of: "other")?.hasSuffix("but no store of agenthost") == true)
        #expect(
            try await probe.failure(.get([1]), of: "newer")?.contains("of version 2, which a newer agenthost") == true)
        await probe.stores.close()
    }

    @Test("a file that is taken away while it is open is made anew: nothing is written to what is gone")
    func replaced() async throws {
        let probe = StoreProbe(folder)
        try await probe.set("a", "1")
        try FileManager.default.removeItem(atPath: folder.path)
        try await probe.set("b", "2")
        #expect(FileManager.default.fileExists(atPath: folder.file("a")))
        await probe.stores.close()
        let later = StoreProbe(folder)
        #expect(try await later.keys() == ["b"])
        await later.stores.close()
    }

    @Test("a folder that cannot be made, and none at all, are an error")
    func noFolder() async throws {
        let probe = StoreProbe(FolderStores(folder: "/dev/null/x"))
        #expect(try await probe.failure(.get([1])) == "cannot make /dev/null/x: not a directory")
        #expect(
            try await StoreProbe(FolderStores()).failure(.get([1]))
                == "there is no folder to keep a store in: set STATE_PATH")
        await probe.stores.close()
    }
}
