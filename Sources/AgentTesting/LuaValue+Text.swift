/// How a value is shown below a failed test: as Lua would write it, one field a line.
extension LuaValue {
    var text: String { lines.joined(separator: "\n") }

    var lines: [String] {
        switch self {
        case .nil: return ["nil"]
        case .null: return ["agenthost.null"]
        case .boolean(let value): return [value ? "true" : "false"]
        case .integer(let value): return ["\(value)"]
        case .number(let value): return [Self.number(value)]
        case .string(let bytes): return [Self.quoted(bytes)]
        case .other(let shown): return [shown]
        case .table(let fields) where fields.isEmpty: return ["{}"]
        case .table(let fields):
            var lines = ["{"]
            var position: Int64 = 0
            for field in fields {
                var inner = field.value.lines
                if case .integer(position + 1) = field.key {
                    position += 1
                } else {
                    inner[0] = "\(field.key.asKey) = \(inner[0])"
                }
                inner[inner.count - 1] += ","
                lines += inner.map { "  \($0)" }
            }
            return lines + ["}"]
        }
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        return "\(value)"
    }

    private var asKey: String {
        if case .string(let bytes) = self, Self.isName(bytes) { return String(decoding: bytes, as: UTF8.self) }
        return "[\(text)]"
    }

    private static func isName(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
        return bytes.allSatisfy { byte in
            byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) && byte < 0x80
        }
    }

    static func quoted(_ bytes: [UInt8]) -> String {
        let isText = String(validating: bytes, as: UTF8.self) != nil
        var quoted: [UInt8] = [UInt8(ascii: "\"")]
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""): quoted += Array("\\\"".utf8)
            case UInt8(ascii: "\\"): quoted += Array("\\\\".utf8)
            case UInt8(ascii: "\n"): quoted += Array("\\n".utf8)
            case UInt8(ascii: "\r"): quoted += Array("\\r".utf8)
            case UInt8(ascii: "\t"): quoted += Array("\\t".utf8)
            case 0..<0x20, 0x7F: quoted += Array(escaped(byte).utf8)
            case 0x80... where !isText: quoted += Array(escaped(byte).utf8)
            default: quoted.append(byte)
            }
        }
        quoted.append(UInt8(ascii: "\""))
        return String(decoding: quoted, as: UTF8.self)
    }

    private static func escaped(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return "\\x" + (digits.count < 2 ? "0" + digits : digits)
    }
}
