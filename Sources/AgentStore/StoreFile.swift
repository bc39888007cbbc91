import AgentModel
import Foundation

/// The store of one agent on disk: opened when it is first needed, and again whenever its file has been replaced or has been
/// of no use. Confined to one thread at a time.
final class StoreFile {
    let path: String
    private let largest: Int?
    private var database: StoreDatabase?
    /// Which file it is, whatever its name means later.
    private var identity: (device: dev_t, number: ino_t)?

    init(path: String, largest: Int?) {
        self.path = path
        self.largest = largest
    }

    func close() {
        database = nil
        identity = nil
    }

    // MARK: Requests

    /// Performs requests in order, their changes together: all of them are on the disk when it returns.
    func perform(_ requests: [StoreRequest]) -> [Result<StoreAnswer, DeliveryFailure>] {
        do {
            let database = try open()
            return try requests.contains(where: \.isWrite)
                ? write(requests, to: database) : requests.map { try database.perform($0) }
        } catch {
            let failure = failure(error)
            if let error = error as? SQLiteError {
                database?.rollBack()
                if error.isOfFile { close() }
                // One that asks too much must not fail the others.
                if error.isOfResources, requests.count > 1 { return requests.flatMap { perform([$0]) } }
            }
            return requests.map { _ in .failure(failure) }
        }
    }

    private func write(
        _ requests: [StoreRequest], to database: StoreDatabase
    ) throws(SQLiteError) -> [Result<StoreAnswer, DeliveryFailure>] {
        try database.begin()
        var results: [Result<StoreAnswer, DeliveryFailure>] = []
        results.reserveCapacity(requests.count)
        for request in requests { results.append(try database.perform(request)) }
        try database.commit()
        return results
    }

    private func failure(_ error: any Error) -> DeliveryFailure {
        if let error = error as? SQLiteError { return DeliveryFailure("the store \(path): \(error)") }
        return error as? DeliveryFailure ?? DeliveryFailure("the store \(path): \(ErrorText.of(error))")
    }

    // MARK: The file

    private func open() throws -> StoreDatabase {
        if let database, let identity {
            if let now = Self.identity(of: path), now == identity { return database }
            // What is written to a file that is gone would be gone with it.
            close()
        }
        try makeFile()
        let database = try StoreDatabase(path: path, largest: largest)
        self.database = database
        identity = Self.identity(of: path)
        return database
    }

    /// The file and its folder, its user's alone. Never opened here once it is there: closing it would give up the locks that
    /// SQLite holds on it.
    private func makeFile() throws {
        guard Self.identity(of: path) == nil else { return }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            let reason = ((error as? CocoaError)?.underlying as? POSIXError).map { ErrorText.system($0.code.rawValue) }
            throw DeliveryFailure("cannot make \(folder.path): \(reason ?? error.localizedDescription)")
        }
        let descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 || errno == EEXIST else {
            throw DeliveryFailure("cannot make \(path): \(ErrorText.system(errno))")
        }
        if descriptor >= 0 { Foundation.close(descriptor) }
        // The names are safe once their folders are written too.
        for folder in [folder, folder.deletingLastPathComponent()] {
            let descriptor = Foundation.open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            fsync(descriptor)
            Foundation.close(descriptor)
        }
    }

    private static func identity(of path: String) -> (device: dev_t, number: ino_t)? {
        var status = stat()
        return stat(path, &status) == 0 ? (status.st_dev, status.st_ino) : nil
    }
}

/// A moment in which somebody else may get on.
func pause() {
    usleep(10_000)
}
