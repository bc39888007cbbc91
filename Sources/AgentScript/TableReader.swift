package import AgentModel
package import LuaRuntime
package import NIOCore

/// Reads a table of named fields; a field that is not known is an error that names the nearest known one.
package struct TableReader {
    package let stack: LuaStack
    package let index: Int32
    private let what: What

    /// What a field of the table is called in messages, as "field of agenthost.agent"; put into words only there.
    package enum What: ExpressibleByStringInterpolation, CustomStringConvertible {
        case text(String)
        case option(of: String)

        package init(stringLiteral text: String) { self = .text(text) }

        package var description: String {
            switch self {
            case .text(let text): text
            case .option(let function): "option of '\(function)'"
            }
        }
    }

    /// `instead` says what there is in the place of a field that others have.
    package init(
        _ stack: LuaStack, at index: Int32, what: What, known: [String], instead: (String) -> String? = { _ in nil }
    ) throws(LuaFailure) {
        self.stack = stack
        self.index = stack.absolute(index)
        self.what = what
        stack.pushNil()
        while stack.next(of: self.index) {
            stack.pop(1)
            if stack.withBytes(at: -1, { name in known.contains { $0.hasBytes(name) } }) == true { continue }
            guard stack.type(at: -1) == .string, let name = stack.string(at: -1) else {
                let shown = stack.displayString(at: -1)
                stack.pop(1)
                throw LuaFailure("\(shown) is not a \(what): names are expected (\(known.joined(separator: ", ")))")
            }
            stack.pop(1)
            let hint =
                instead(name) ?? NameSuggestion.nearest(name, among: known).map { "did you mean '\($0)'?" }
                ?? "known: \(known.joined(separator: ", "))"
            throw LuaFailure("unknown \(what) '\(name)' (\(hint))")
        }
    }

    /// A table whose fields are known to be known.
    init(_ stack: LuaStack, at index: Int32, what: What) {
        self.stack = stack
        self.index = stack.absolute(index)
        self.what = what
    }

    package func wrong(_ name: StaticString, _ expected: String) -> LuaFailure {
        _ = stack.getField(name, of: index)
        defer { stack.pop(1) }
        return LuaFailure("\(what) '\(name)': \(expected) expected, got \(stack.typeName(at: -1))")
    }

    package func has(_ name: StaticString) -> Bool {
        let type = stack.getField(name, of: index)
        stack.pop(1)
        return type != .nil
    }

    package func string(_ name: StaticString) throws(LuaFailure) -> String? {
        let type = stack.getField(name, of: index)
        defer { stack.pop(1) }
        if type == .nil { return nil }
        guard let text = stack.string(at: -1) else {
            throw LuaFailure("\(what) '\(name)': string expected, got \(stack.typeName(at: -1))")
        }
        try requireWhole(name)
        guard stack.isValidUTF8(at: -1) else { throw LuaFailure("\(what) '\(name)': text in UTF-8 expected") }
        return text
    }

    /// A name that is cut would be another name.
    private func requireWhole(_ name: StaticString) throws(LuaFailure) {
        if stack.isCut(at: -1) {
            let size = LuaText.size(stack.length(of: -1))
            throw LuaFailure("\(what) '\(name)': at most \(LuaText.size(LuaText.longest)) expected, got \(size)")
        }
    }

    /// The bytes of a string of any length.
    package func bytes(_ name: StaticString) throws(LuaFailure) -> ByteBuffer? {
        let type = stack.getField(name, of: index)
        defer { stack.pop(1) }
        if type == .nil { return nil }
        guard let bytes = stack.withBytes(at: -1, { ByteBuffer(bytes: $0) }) else {
            throw LuaFailure("\(what) '\(name)': string expected, got \(stack.typeName(at: -1))")
        }
        return bytes
    }

    /// Any value, as JSON; nil when absent.
    package func json(_ name: StaticString) throws(LuaFailure) -> ByteBuffer? {
        let type = stack.getField(name, of: index)
        defer { stack.pop(1) }
        return type == .nil ? nil : try stack.jsonBuffer(at: -1, path: "\(name)")
    }

    package func number(_ name: StaticString) throws(LuaFailure) -> Double? {
        let type = stack.getField(name, of: index)
        defer { stack.pop(1) }
        if type == .nil { return nil }
        guard let number = stack.number(at: -1) else {
            throw LuaFailure("\(what) '\(name)': number expected, got \(stack.typeName(at: -1))")
        }
        return number
    }

    package func integer(_ name: StaticString, in range: ClosedRange<Int>) throws(LuaFailure) -> Int? {
        let type = stack.getField(name, of: index)
        defer { stack.pop(1) }
        if type == .nil { return nil }
        guard let number = stack.integer(at: -1), let value = Int(exactly: number), range.contains(value) else {
            let bounds =
                range.upperBound == .max
                ? "an integer from \(range.lowerBound)" : "an integer from \(range.lowerBound) to \(range.upperBound)"
            let isNumber = type == .integer || type == .number
            let got = isNumber ? stack.displayString(at: -1) : stack.typeName(at: -1)
            throw LuaFailure("\(what) '\(name)': \(bounds) expected, got \(got)")
        }
        return value
    }

    package func boolean(_ name: StaticString) throws(LuaFailure) -> Bool? {
        let type = stack.getField(name, of: index)
        defer { stack.pop(1) }
        if type == .nil { return nil }
        guard type == .boolean else {
            throw LuaFailure("\(what) '\(name)': boolean expected, got \(stack.typeName(at: -1))")
        }
        return stack.boolean(at: -1)
    }

    package func function(_ name: StaticString) throws(LuaFailure) -> LuaReference? {
        let type = stack.getField(name, of: index)
        guard type != .nil else {
            stack.pop(1)
            return nil
        }
        guard type == .function else {
            defer { stack.pop(1) }
            throw LuaFailure("\(what) '\(name)': function expected, got \(stack.typeName(at: -1))")
        }
        return stack.reference()
    }

    /// Headers, by name or as a list; nil when absent.
    package func headers(_ name: StaticString) throws(LuaFailure) -> [MessageHeader]? {
        let type = stack.getField(name, of: index)
        defer { stack.pop(1) }
        return type == .nil ? nil : try stack.headers(at: -1, "\(what) '\(name)'")
    }

    /// A list of strings; nil when absent.
    package func strings(_ name: StaticString) throws(LuaFailure) -> [String]? {
        var strings: [String] = []
        let present = try eachItem(name, expected: "a list of strings", as: "{ \"name\", … }") {
            (position) throws(LuaFailure) in
            guard let text = stack.string(at: -1) else {
                throw LuaFailure("\(what) '\(name)[\(position)]': string expected, got \(stack.typeName(at: -1))")
            }
            try requireWhole(name)
            strings.append(text)
        }
        return present ? strings : nil
    }

    /// Calls `body` with each item of a list on top of the stack, and its position from 1; false when the field is absent.
    /// `example` is how such a list is written.
    @discardableResult
    package func eachItem(
        _ name: StaticString, expected: String, as example: String, _ body: (Int) throws(LuaFailure) -> Void
    ) throws(LuaFailure) -> Bool {
        let type = stack.getField(name, of: index)
        defer { stack.pop(1) }
        if type == .nil { return false }
        let length = type == .table ? stack.length(of: -1) : 0
        var fields = 0
        if type == .table {
            stack.pushNil()
            while stack.next(of: -2) {
                stack.pop(1)
                fields += 1
                try stack.charge(10)
            }
        }
        guard type == .table, fields == length else {
            let got =
                type != .table
                ? stack.typeName(at: -1) : length == 0 ? "a table of named fields" : "a list with gaps or named fields"
            throw LuaFailure("\(what) '\(name)': \(expected) expected, got \(got); it is written \(name) = \(example)")
        }
        for position in 0..<length {
            try stack.charge(50)
            _ = stack.getIndex(position + 1, of: -1)
            let top = stack.top
            do throws(LuaFailure) { try body(position + 1) } catch {
                stack.setTop(top - 1)
                throw error
            }
            stack.setTop(top - 1)
        }
        return true
    }
}

extension String {
    /// Whether it is the text that the bytes are.
    fileprivate func hasBytes(_ bytes: UnsafeRawBufferPointer) -> Bool {
        utf8.count == bytes.count && utf8.elementsEqual(bytes)
    }
}
