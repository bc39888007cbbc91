package import AgentModel
import AgentWorker
import Foundation
package import NIOCore
import NIOPosix
import Synchronization

/// The dead letters of one service that no broker took: a file for each topic of dead letters, a letter on each line.
///
/// The folder is its user's alone, and holds what messages held. Every change is made under a lock that processes share,
/// so that `agenthost dlq` may take letters out while a host adds some.
package final class SpoolFolder: DeadLetterSpool {
    /// What is kept of one topic.
    package struct Topic: Sendable {
        package var service: String
        package var name: String
        package var letters: [KeptLetter]
    }

    package let path: String
    private let service: String
    /// What the files were like when they were last counted.
    private let counted = Mutex<(files: [String: Int], letters: Int)>(([:], 0))

    /// - Parameter statePath: the folder for what outlives the process.
    package convenience init(statePath: String, service: String) {
        self.init(path: "\(Self.root(statePath))/\(Self.fileName(service))", service: service)
    }

    private init(path: String, service: String) {
        self.path = path
        self.service = service
    }

    private static func root(_ statePath: String) -> String { "\(statePath)/spool" }

    /// Those of all services below a state folder.
    package static func all(statePath: String) -> [SpoolFolder] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root(statePath))) ?? []
        return names.sorted().map {
            SpoolFolder(path: "\(root(statePath))/\($0)", service: $0.removingPercentEncoding ?? $0)
        }
    }

    // MARK: Keeping

    package func keep(
        _ letter: KeptLetter, on loop: any EventLoop, completion: @escaping (DeliveryFailure?) -> Void
    ) {
        // The disk is waited for elsewhere.
        let promise = loop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { result in
            switch result {
            case .success: completion(nil)
            case .failure(let error): completion(error as? DeliveryFailure ?? DeliveryFailure(ErrorText.of(error)))
            }
        }
        NIOThreadPool.singleton.submit { [self] _ in
            promise.completeWith(Result { try append(letter) })
        }
    }

    private func append(_ letter: KeptLetter) throws {
        var line = letter.json()
        line.writeStaticString("\n")
        try withLock {
            let file = file(of: letter.letter.topic)
            let descriptor = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { throw failure("open", file) }
            defer { close(descriptor) }
            let end = lseek(descriptor, 0, SEEK_END)
            do {
                try Self.writeAll(line, to: descriptor, file)
                guard fsync(descriptor) == 0 else { throw failure("write", file) }
            } catch {
                // Half a line would spoil the next one.
                _ = ftruncate(descriptor, end)
                throw error
            }
            try sync(folder: path)
        }
    }

    private static func writeAll(_ bytes: ByteBuffer, to descriptor: Int32, _ file: String) throws {
        try bytes.withUnsafeReadableBytes { bytes in
            var written = 0
            while written < bytes.count {
                let count = write(descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw failure("write", file) }
                written += count
            }
        }
    }

    // MARK: Reading and taking out

    /// Everything that is kept, by topic. A line that is no letter is passed over, and stays.
    package func topics() throws -> [Topic] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        return try withLock {
            try files().compactMap { file in
                let letters = try lines(of: file).compactMap(KeptLetter.init(line:))
                guard let first = letters.first else { return nil }
                return Topic(service: service, name: first.letter.topic, letters: letters)
            }
        }
    }

    /// Takes out letters that were delivered.
    func remove(_ ids: Set<String>, of topic: String) throws {
        try withLock {
            let file = file(of: topic)
            var rest = ByteBuffer()
            for line in try lines(of: file) {
                if let letter = KeptLetter(line: line), ids.contains(letter.id) { continue }
                rest.writeImmutableBuffer(line)
                rest.writeStaticString("\n")
            }
            if rest.readableBytes == 0 {
                unlink(file)
            } else {
                let other = file + ".new"
                let descriptor = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
                guard descriptor >= 0 else { throw failure("open", other) }
                defer { close(descriptor) }
                try Self.writeAll(rest, to: descriptor, other)
                guard fsync(descriptor) == 0, rename(other, file) == 0 else { throw failure("write", other) }
            }
            try sync(folder: path)
        }
    }

    /// Letters kept. Only files that have changed since the last time are read.
    package var count: Int {
        var sizes: [String: Int] = [:]
        for file in files() {
            var status = stat()
            if stat(file, &status) == 0 { sizes[file] = Int(status.st_size) }
        }
        return counted.withLock { counted in
            if counted.files != sizes {
                let lines = sizes.keys.map { (try? self.lines(of: $0).count) ?? 0 }
                counted = (sizes, lines.reduce(0, +))
            }
            return counted.letters
        }
    }

    private func lines(of file: String) throws -> [ByteBuffer] {
        // It goes with its last letter.
        guard access(file, F_OK) == 0 else { return [] }
        guard let data = FileManager.default.contents(atPath: file) else { throw failure("read", file) }
        return data.split(separator: UInt8(ascii: "\n")).map { ByteBuffer(bytes: $0) }
    }

    // MARK: Files

    private func files() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasSuffix(".jsonl") }.sorted().map { "\(path)/\($0)" }
    }

    private func file(of topic: String) -> String { "\(path)/\(Self.fileName(topic)).jsonl" }

    /// A topic's or service's name may hold slashes and be long: what is too long for a file's name ends in a number of
    /// its own.
    static func fileName(_ text: String) -> String {
        let allowed = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
        var name = text.split(separator: ".", omittingEmptySubsequences: false)
            .map { $0.addingPercentEncoding(withAllowedCharacters: allowed) ?? "" }.joined(separator: ".")
        if name.utf8.count > 200 {
            let hash = text.utf8.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
            name = "\(name.prefix(180))-\(String(hash, radix: 16))"
        }
        // No name may mean this folder or the one above it.
        return name.hasPrefix(".") || name.isEmpty ? "%2E" + name.dropFirst() : name
    }

    private func withLock<Value>(_ body: () throws -> Value) throws -> Value {
        try makeFolder()
        let file = "\(path)/lock"
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("open", file) }
        // Closing gives the lock back.
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw failure("lock", file) }
        }
        return try body()
    }

    private func makeFolder() throws {
        var status = stat()
        if lstat(path, &status) != 0 {
            do {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch {
                throw failure("make", path)
            }
            try sync(folder: URL(fileURLWithPath: path).deletingLastPathComponent().path)
            guard lstat(path, &status) == 0 else { throw failure("make", path) }
        }
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else {
            throw DeliveryFailure("\(path) is no folder of this user's own")
        }
        if status.st_mode & 0o077 != 0 { chmod(path, 0o700) }
    }

    /// A file's name is safe once its folder is written too.
    private func sync(folder: String) throws {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("write", folder) }
    }
}

/// The spool of a host, from the moment that its place is known.
final class HostSpool: DeadLetterSpool {
    private let folder = Mutex<SpoolFolder?>(nil)

    func use(_ folder: SpoolFolder?) {
        self.folder.withLock { $0 = folder }
    }

    var current: SpoolFolder? { folder.withLock { $0 } }

    func keep(_ letter: KeptLetter, on loop: any EventLoop, completion: @escaping (DeliveryFailure?) -> Void) {
        (current ?? NoSpool() as any DeadLetterSpool).keep(letter, on: loop, completion: completion)
    }
}

/// What the system had against it.
private func failure(_ action: String, _ path: String) -> DeliveryFailure {
    DeliveryFailure("cannot \(action) \(path): \(String(cString: strerror(errno)))")
}
