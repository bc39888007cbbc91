package import AgentModel
import Foundation
import LuaRuntime

/// A file beside a script, as `agenthost.file.read` reads it.
package struct ScriptFile: Sendable {
    /// Bytes of the largest that is read.
    package static let largest = 16 << 20

    /// The script's folder.
    let folder: String
    /// Relative to it, as the script names it.
    let path: String

    /// Reads all of it, which may wait for a disk. Fails for what is not there, is no file, is too large, or lies outside
    /// the folder, be it by `..` or by a link.
    package func read() -> Result<[UInt8], DeliveryFailure> {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !path.isEmpty, !path.hasPrefix("/"), !parts.contains(".."), !path.utf8.contains(0) else {
            return failure("a path below the script's folder is expected, without ..")
        }
        guard let root = Self.real(folder), let file = Self.real("\(folder)/\(path)") else {
            return failure(errno == ENOENT || errno == ENOTDIR ? "no such file beside the script" : Self.reason)
        }
        guard file.hasPrefix(root.hasSuffix("/") ? root : root + "/") else {
            return failure("it leads out of the script's folder")
        }
        // Not blocking: what is no file may be a pipe that nobody writes to.
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return failure(Self.reason) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return failure(Self.reason) }
        guard status.st_mode & S_IFMT == S_IFREG else { return failure("it is no file") }
        return read(descriptor, expected: Int(status.st_size))
    }

    /// The file may grow while it is read.
    private func read(_ descriptor: Int32, expected: Int) -> Result<[UInt8], DeliveryFailure> {
        var bytes: [UInt8] = []
        guard expected <= Self.largest else { return tooLarge(expected) }
        bytes.reserveCapacity(expected)
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { piece.deallocate() }
        while true {
            let count = Foundation.read(descriptor, piece.baseAddress, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return failure(Self.reason) }
            if count == 0 { return .success(bytes) }
            bytes.append(contentsOf: piece[..<count])
            guard bytes.count <= Self.largest else { return tooLarge(bytes.count) }
        }
    }

    private func tooLarge(_ size: Int) -> Result<[UInt8], DeliveryFailure> {
        failure("it has \(LuaText.size(size)), and at most \(LuaText.size(Self.largest)) are read")
    }

    private func failure(_ reason: String) -> Result<[UInt8], DeliveryFailure> {
        .failure(DeliveryFailure("\(path): \(reason)"))
    }

    private static var reason: String { String(cString: strerror(errno)) }

    /// The path without links; nil for what is not there.
    private static func real(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
