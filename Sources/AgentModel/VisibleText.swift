extension String {
    /// The text with every character escaped that moves a terminal's cursor, colours it, or hides how the text runs: so
    /// that what a client, a script or a file chose is shown, and never obeyed. Line breaks and tabs are escaped too,
    /// unless they are to be kept.
    ///
    /// These are the control characters (C0, DEL, C1), the separators of lines and paragraphs, and those that turn the
    /// direction of writing (Unicode, "Bidirectional Algorithm", section 2).
    package func visible(keepingLines: Bool = false) -> String {
        guard unicodeScalars.contains(where: { Self.isHidden($0, keepingLines: keepingLines) }) else { return self }
        var text = ""
        for scalar in unicodeScalars {
            guard Self.isHidden(scalar, keepingLines: keepingLines) else {
                text.unicodeScalars.append(scalar)
                continue
            }
            switch scalar {
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            default:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            }
        }
        return text
    }

    private static func isHidden(_ scalar: Unicode.Scalar, keepingLines: Bool) -> Bool {
        switch scalar.value {
        case 0x20...0x7E: false
        case 0x09, 0x0A: !keepingLines
        case 0...0x1F, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
