import AgentModel
import Foundation
import Glibc

/// A setting that is the path of a PEM file, or the PEM text itself, read and looked at.
struct PEMSetting {
    let variable: String
    /// The PEM text, wherever it was.
    let text: String
    let blocks: [PEMText.Block]
    /// nil: the value is the text.
    private let path: String?

    /// A file of certificates has some 200 KiB at most: those of an operating system, all in one.
    private static let maximumBytes = 1 << 20

    /// Why a value cannot serve: what is there, without what was expected.
    private struct Fault: Error {
        let text: String

        init(_ text: String) { self.text = text }
    }

    /// - Parameter value: as it was resolved.
    /// - Throws: what is wrong with it, never with any of it but a path.
    init(
        _ setting: Setting, value: String, origin: SettingOrigin, contents: Setting.Kind.PEMContents
    ) throws(ConfigurationError) {
        variable = setting.variable
        do throws(Fault) {
            if PEMText.isText(value) {
                path = nil
                // Where a text has to be one line, line ends are often written as \n.
                text = value.replacing("\\n", with: "\n")
            } else {
                path = value
                text = try Self.read(value)
            }
            blocks = PEMText(text).blocks
            try Self.check(blocks, contents)
        } catch {
            let shown = Self.shown(value, isHidden: origin.isSecret)
            throw ConfigurationError(problems: [
                .init(
                    variable: setting.variable,
                    description: "\(setting.variable)=\(shown) (\(origin)): \(error.text); expected "
                        + setting.kind.expectation)
            ])
        }
    }

    /// Whether the private key takes a password.
    var isEncrypted: Bool { blocks.contains { $0.isEncrypted && $0.label.hasSuffix("PRIVATE KEY") } }

    /// - Throws: when there is nowhere to put a text.
    func file() throws(ConfigurationError) -> PEMFile {
        if let path { return PEMFile(path: path) }
        do {
            return try PEMFile(text: text)
        } catch {
            let reason = "no file for it can be had: \(ErrorText.of(error))"
            throw ConfigurationError(problems: [.init(variable: variable, description: "\(variable): \(reason)")])
        }
    }

    /// A value for people: a path, or a word for what is none. A key that lacks its first line must not be shown for a path:
    /// base64 has no dots, and no key begins with a slash.
    static func shown(_ value: String, isHidden: Bool) -> String {
        if PEMText.isText(value) { return isHidden ? Secret.mask : "(PEM text)" }
        let isPath = !value.contains(where: \.isNewline) && (value.hasPrefix("/") || value.contains("."))
        return isPath && !isHidden ? value : Secret.mask
    }

    private static func read(_ path: String) throws(Fault) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw Fault(
                errno == ENOENT ? "there is no such file" : "the file cannot be read, \(ErrorText.system(errno))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Fault("that is no file") }
        guard status.st_size <= maximumBytes else { throw Fault("the file is larger than 1 MiB") }
        guard access(path, R_OK) == 0, let data = FileManager.default.contents(atPath: path) else {
            throw Fault("the file cannot be read, \(ErrorText.system(errno))")
        }
        // DER, the other form of such files, is one element from its first byte on.
        if data.first == 0x30, !data.contains(UInt8(ascii: "-")) {
            throw Fault("the file is DER, which `openssl x509 -inform der` or `openssl pkey -inform der` converts")
        }
        return String(decoding: data, as: UTF8.self)
    }

    private static func check(_ blocks: [PEMText.Block], _ contents: Setting.Kind.PEMContents) throws(Fault) {
        guard !blocks.isEmpty else { throw Fault("there is no PEM text in it, which begins with -----BEGIN") }
        let labels =
            contents == .certificates
            ? ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"]
            : ["PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY"]
        let meant = blocks.filter { labels.contains($0.label) }
        guard !meant.isEmpty else {
            let found = Set(blocks.map { $0.label.visible() }).sorted().joined(separator: " and a ")
            throw Fault("it has a \(found) and no \(labels[0])")
        }
        guard let broken = meant.firstIndex(where: { !$0.isWhole }) else { return }
        throw Fault("\(labels[0]) \(broken + 1) of it is damaged or cut off")
    }
}
