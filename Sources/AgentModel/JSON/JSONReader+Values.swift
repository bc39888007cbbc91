extension JSONReader {
    /// Reads one value, which must begin at the position; `depth` is how many arrays and objects are around it.
    mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        switch current {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"):
            var members = JSONObject()
            try object(depth: depth) { (reader, key) throws(JSONError) in
                let key = JSONText.string(reader.bytes[key.begin..<key.end], hasEscapes: key.hasEscapes)
                members[key] = try reader.value(depth: depth + 1)
            }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONValue] = []
            try array(depth: depth) { (reader) throws(JSONError) in
                elements.append(try reader.value(depth: depth + 1))
            }
            return .array(elements)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case UInt8(ascii: "t"):
            try skipLiteral("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try skipLiteral("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try skipLiteral("null")
            return .null
        default: throw failure("Expecting value", at: position)
        }
    }

    private mutating func string() throws(JSONError) -> String {
        let begin = position + 1
        let hasEscapes = try skipString()
        return JSONText.string(bytes[begin..<(position - 1)], hasEscapes: hasEscapes)
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let begin = position
        let isInteger = try skipNumber()
        let digits = bytes[begin..<position]
        if isInteger, let integer = JSONText.integer(digits) { return .integer(integer) }
        return .number(JSONText.double(digits))
    }
}
