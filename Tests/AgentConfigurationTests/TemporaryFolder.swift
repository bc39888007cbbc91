import Foundation

/// A folder of a test's own, removed with the value.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "agent-configuration-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file, with the folders above it.
    func write(_ text: String, to name: String) throws {
        try write(Data(text.utf8), to: name)
    }

    func write(_ bytes: Data, to name: String) throws {
        let file = path + "/" + name
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try bytes.write(to: URL(fileURLWithPath: file), options: .atomic)
    }

    func makeDirectory(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: path + "/" + name, withIntermediateDirectories: true)
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path + "/" + name, withDestinationPath: target)
    }

    func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: path + "/" + name)
    }

    /// Mounts a version of a secret as the kubelet does: a directory of its own, `..data` swapped to it by one rename,
    /// and a link for each key.
    func mount(_ secret: String, version: String, _ values: [String: String]) throws {
        for (key, value) in values { try write(value, to: "\(secret)/..\(version)/\(key)") }
        try link("\(secret)/..data_tmp", to: "..\(version)")
        guard rename("\(path)/\(secret)/..data_tmp", "\(path)/\(secret)/..data") == 0 else {
            throw POSIXError(.init(rawValue: errno) ?? .EIO)
        }
        for key in values.keys where !FileManager.default.fileExists(atPath: "\(path)/\(secret)/\(key)") {
            try link("\(secret)/\(key)", to: "..data/\(key)")
        }
    }
}
