/// A value as a script writes it and reads it.
package enum SettingValue: Sendable, Equatable {
    case string(String)
    case integer(Int64)
    case number(Double)
    case boolean(Bool)
    case list([String])
}

extension SettingValue {
    /// The value as a listing and an error show it.
    var shown: String {
        switch self {
        case .string(let text): text
        case .integer(let number): String(number)
        case .number(let number): Int64(exactly: number).map(String.init) ?? String(number)
        case .boolean(let truth): String(truth)
        case .list(let items): items.joined(separator: ",")
        }
    }
}
