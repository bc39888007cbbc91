import Foundation

/// The blocks of a PEM text (RFC 7468). What stands around them explains them, and is passed over.
struct PEMText {
    struct Block {
        /// What `-----BEGIN …-----` says.
        let label: String
        /// Whether it takes a password to read.
        let isEncrypted: Bool
        /// Whether it has its end, is base64, and holds all of what it says it holds.
        let isWhole: Bool
    }

    let blocks: [Block]

    init(_ text: String) {
        var blocks: [Block] = []
        var lines: [Substring] = []
        var label: String?
        for line in text.split(whereSeparator: \.isNewline) {
            if let begun = Self.label(of: line, "BEGIN") {
                if let label { blocks.append(Block(label: label, lines, hasEnd: false)) }
                label = begun
                lines = []
            } else if let open = label, Self.label(of: line, "END") == open {
                blocks.append(Block(label: open, lines, hasEnd: true))
                label = nil
            } else {
                lines.append(line)
            }
        }
        if let label { blocks.append(Block(label: label, lines, hasEnd: false)) }
        self.blocks = blocks
    }

    /// Whether a value is a PEM text, and not the path of one.
    static func isText(_ value: String) -> Bool { value.contains("-----BEGIN ") }

    private static func label(of line: Substring, _ word: String) -> String? {
        let line = line.trimmingCharacters(in: .whitespaces)
        guard line.hasPrefix("-----\(word) "), line.hasSuffix("-----"), line.count > 12 + word.count else { return nil }
        return String(line.dropFirst(6 + word.count).dropLast(5))
    }
}

extension PEMText.Block {
    fileprivate init(label: String, _ lines: [Substring], hasEnd: Bool) {
        self.label = label
        // Older keys say how they are encrypted in headers before their base64 (RFC 1421, section 4.6).
        let headers = lines.prefix { $0.contains(":") }
        isEncrypted = label.hasPrefix("ENCRYPTED ") || headers.contains { $0.contains("ENCRYPTED") }
        let base64 = lines.dropFirst(headers.count).joined().filter { !$0.isWhitespace }
        guard hasEnd, let bytes = Data(base64Encoded: base64) else {
            isWhole = false
            return
        }
        // What such headers encrypt has no structure to see.
        isWhole = headers.isEmpty ? Self.isWholeElement(Array(bytes)) : !bytes.isEmpty
    }

    /// Whether the bytes hold all of a DER element (X.690, section 8.1.3), which a text that was cut off does not.
    private static func isWholeElement(_ bytes: [UInt8]) -> Bool {
        guard bytes.count > 2, bytes[0] == 0x30 else { return false }
        let first = Int(bytes[1])
        if first < 0x80 { return bytes.count >= 2 + first }
        let digits = first & 0x7f
        guard (1...4).contains(digits), bytes.count > 2 + digits else { return false }
        return bytes.count >= 2 + digits + bytes[2..<2 + digits].reduce(0) { $0 << 8 | Int($1) }
    }
}
