import AgentModel
import Foundation
import Glibc

/// A directory of files, one file a key, as Kubernetes mounts a secret.
///
/// The kubelet writes a new version into a directory of its own and then swaps the link `..data` to it (Kubernetes
/// documentation, "Mounted Secrets are updated automatically"). A reading that a swap overtakes is begun again, so keys
/// of two versions are never mixed.
struct SecretDirectory {
    /// What a reading found.
    enum Reading: Equatable {
        /// There is nothing at the path.
        case absent
        /// There is something that cannot serve; what, and the remedy.
        case unusable(String)
        /// The values by file name, and what is wrong with single files.
        case read([String: Secret], problems: [String])
    }

    /// Kubernetes allows a secret of 1 MiB in all.
    private static let maximumBytes = 1 << 20

    let path: String

    func read() -> Reading {
        var reading = readOnce()
        for _ in 0..<8 where reading.version != dataLink { reading = readOnce() }
        return reading.result
    }

    /// The version directory that `..data` links to; nil for a plain directory.
    private var dataLink: String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: path + "/..data")
    }

    private func readOnce() -> (result: Reading, version: String?) {
        let version = dataLink
        var status = stat()
        guard stat(path, &status) == 0 else {
            let failure = errno
            var link = stat()
            if failure == ENOENT, lstat(path, &link) != 0 { return (.absent, version) }
            if failure == ENOENT {
                return (.unusable("\(path) is a link to nothing: mount the secret there, or remove the link"), version)
            }
            return (
                .unusable("\(path) cannot be read (\(Self.text(failure))): check the directories above it"), version
            )
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            return (
                .unusable("\(path) is a file, not a directory of one file a key: mount the secret as a volume"), version
            )
        }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            return (
                .unusable("\(path) cannot be listed: let user id \(geteuid()) read it (fsGroup or defaultMode)"),
                version
            )
        }
        var values: [String: Secret] = [:]
        var problems: [String] = []
        // Names with a leading dot are the kubelet's own versions and an editor's leftovers.
        for name in names.sorted() where !name.hasPrefix(".") {
            switch Self.readKey(path + "/" + name) {
            case .success(let value): values[name] = value
            case .failure(let problem): problems.append(problem.text)
            }
        }
        return (.read(values, problems: problems), version)
    }

    private struct Problem: Error {
        let text: String
    }

    private static func readKey(_ path: String) -> Result<Secret, Problem> {
        // O_NONBLOCK: opening a FIFO must not wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let remedy = "let user id \(geteuid()) read it (fsGroup or defaultMode)"
            return .failure(Problem(text: "\(path) cannot be read (\(text(errno))): \(remedy)"))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return .failure(
                Problem(text: "\(path) is not a file: a key is one file that holds its value, move it away"))
        }
        guard status.st_size <= maximumBytes else {
            return .failure(Problem(text: "\(path) is larger than 1 MiB: a key holds one value"))
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while bytes.count <= maximumBytes {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { break }
            if count > 0 {
                bytes.append(contentsOf: buffer[..<count])
            } else if errno != EINTR {
                return .failure(Problem(text: "\(path) cannot be read (\(text(errno))): check the mounted volume"))
            }
        }
        return SecretText.value(bytes, at: path)
            .mapError { Problem(text: $0.text) }
    }

    private static func text(_ code: Int32) -> String {
        String(cString: strerror(code))
    }
}
