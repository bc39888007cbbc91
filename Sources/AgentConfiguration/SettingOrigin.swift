/// The layer a value came from.
package enum SettingOrigin: Sendable, Equatable, CustomStringConvertible {
    /// A flag on the command line.
    case flag
    /// A mounted or fetched platform secret; where it was read.
    case secret(String)
    /// An environment variable, and the file and line that have it when the process does not.
    case environment(String, place: String? = nil)
    /// The script's `config` table.
    case script
    /// The default of the table of settings, or derived from other settings.
    case `default`

    package var description: String {
        switch self {
        case .flag: "flag"
        case .secret(let path): "secret \(path)"
        case .environment(let name, let place): place ?? "environment variable \(name)"
        case .script: "script"
        case .default: "default"
        }
    }
}

extension SettingOrigin {
    /// Whether the value came from a platform secret, whose values are never shown.
    var isSecret: Bool { if case .secret = self { true } else { false } }
}
