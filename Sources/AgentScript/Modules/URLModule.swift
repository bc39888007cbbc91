import AgentModel
import LuaRuntime

/// `agenthost.url`: percent-encoding, queries and the parts of a URL (RFC 3986).
enum URLModule: ScriptModule {
    static func install(on stack: LuaStack, for script: ScriptContext) {
        stack.newTable(array: 0, fields: 4)
        stack.setFunction("encode") { (call) throws(LuaFailure) in
            let bytes = try Arguments(call).bytes(1, "text")
            var text: [UInt8] = []
            try call.inPieces(bytes, nanoseconds: 5) { PercentEncoding.encode($0, to: &text) }
            text.withUnsafeBytes { call.stack.push($0) }
            return .results(1)
        }
        stack.setFunction("decode") { (call) throws(LuaFailure) in try decode(call) }
        stack.setFunction("query") { (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            guard call.argumentCount >= 1, call.stack.type(at: 1) == .table else {
                throw arguments.wrong("parameters", "table", at: 1)
            }
            let text = try query(call)
            text.withUnsafeBytes { call.stack.push($0) }
            return .results(1)
        }
        stack.setFunction("parse") { (call) throws(LuaFailure) in
            let text = try Arguments(call).string(1, "url")
            try call.charge(10 * text.utf8.count)
            do throws(URLParts.Failure) {
                push(try URLParts(text), on: call.stack)
                return .results(1)
            } catch {
                return call.expected(error.description)
            }
        }
        stack.strict("agenthost.url has no")
        stack.setField("url", of: -2)
    }

    private static func decode(_ call: LuaCall) throws(LuaFailure) -> LuaOutcome {
        let arguments = Arguments(call)
        let bytes = try arguments.bytes(1, "text")
        let isForm = try arguments.options(2, "options", known: ["form"])?.boolean("form") ?? false
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if index % 4096 == 0 { try call.charge(2048) }
            let byte = bytes[index]
            index += 1
            guard byte == UInt8(ascii: "%") else {
                decoded.append(isForm && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                continue
            }
            guard index + 1 < bytes.count, let high = Hexadecimal.value(bytes[index]),
                let low = Hexadecimal.value(bytes[index + 1])
            else { return call.expected("invalid percent-encoding at byte \(index - 1): two digits expected after %") }
            decoded.append(high << 4 | low)
            index += 2
        }
        decoded.withUnsafeBytes { call.stack.push($0) }
        return .results(1)
    }

    // MARK: Queries

    private typealias Parameter = (name: [UInt8], value: [UInt8])

    /// The query of the table at 1, its names sorted; a list is its name several times, `agenthost.null` nothing.
    private static func query(_ call: LuaCall) throws(LuaFailure) -> [UInt8] {
        let stack = call.stack
        var parameters: [Parameter] = []
        stack.pushNil()
        while stack.next(of: 1) {
            guard let name = stack.type(at: -2) == .string ? stack.withBytes(at: -2, { [UInt8]($0) }) : nil else {
                throw Arguments(call).invalid(
                    "parameters", "names expected, got the key \(stack.displayString(at: -2))")
            }
            if stack.type(at: -1) == .table {
                let length = try listLength(at: stack.top, of: name, call)
                for position in 0..<length {
                    _ = stack.getIndex(position + 1, of: -1)
                    if let value = try value(at: -1, of: name, call) { parameters.append((name, value)) }
                    stack.pop(1)
                }
            } else if let value = try value(at: -1, of: name, call) {
                parameters.append((name, value))
            }
            stack.pop(1)
        }
        let order = try sortedByName(parameters, call)
        var text: [UInt8] = []
        for index in order {
            if !text.isEmpty { text.append(UInt8(ascii: "&")) }
            parameters[index].name.withUnsafeBytes { PercentEncoding.encode($0, to: &text) }
            text.append(UInt8(ascii: "="))
            parameters[index].value.withUnsafeBytes { PercentEncoding.encode($0, to: &text) }
        }
        return text
    }

    /// Stable: the values of a list keep their order. What it takes is charged as it goes.
    private static func sortedByName(_ parameters: [Parameter], _ call: LuaCall) throws(LuaFailure) -> [Int] {
        do {
            return try parameters.indices.sorted { left, right in
                let (a, b) = (parameters[left].name, parameters[right].name)
                try call.charge(10 + min(a.count, b.count) / 8)
                return a == b ? left < right : a.lexicographicallyPrecedes(b)
            }
        } catch {
            throw error as? LuaFailure ?? LuaFailure("\(error)")
        }
    }

    private static func listLength(at index: Int32, of name: [UInt8], _ call: LuaCall) throws(LuaFailure) -> Int {
        let length = call.stack.length(of: index)
        var fields = 0
        call.stack.pushNil()
        while call.stack.next(of: index) {
            call.stack.pop(1)
            fields += 1
            try call.charge(10)
        }
        if fields == length { return length }
        throw wrong(name, "a list expected, it has other keys or holes", call)
    }

    private static func wrong(_ name: [UInt8], _ reason: String, _ call: LuaCall) -> LuaFailure {
        Arguments(call).invalid("parameters", "'\(String(decoding: name.prefix(80), as: UTF8.self))': \(reason)")
    }

    private static func value(at index: Int32, of name: [UInt8], _ call: LuaCall) throws(LuaFailure) -> [UInt8]? {
        let stack = call.stack
        switch stack.type(at: index) {
        case .string:
            try call.charge(50 + (name.count + stack.length(of: index)) / 2)
            return stack.withBytes(at: index) { [UInt8]($0) }
        case .integer, .number, .boolean:
            try call.charge(50 + name.count / 2)
            return Array(stack.displayString(at: index).utf8)
        case .null: return nil
        default:
            let type = stack.typeName(at: index)
            throw wrong(name, "a string, number, boolean or a list of these expected, got \(type)", call)
        }
    }

    // MARK: Parts

    private static func push(_ url: URLParts, on stack: LuaStack) {
        stack.newTable(array: 0, fields: 10)
        func set(_ name: StaticString, _ value: String?) {
            guard let value else { return }
            stack.push(value)
            stack.setField(name, of: -2)
        }
        set("scheme", url.scheme)
        set("user", url.user)
        set("password", url.password)
        set("host", url.host)
        if let port = url.port {
            stack.push(port)
            stack.setField("port", of: -2)
        }
        set("path", url.path)
        set("query", url.query)
        set("fragment", url.fragment)
        let parameters = QueryString(url.query ?? "").parameters
        stack.newTable(array: 0, fields: Int32(clamping: parameters.count))
        for parameter in parameters {
            stack.push(parameter.value)
            stack.setField(parameter.name, of: -2)
        }
        stack.setField("query_params", of: -2)
        stack.newTable(array: Int32(clamping: parameters.count))
        for (index, parameter) in parameters.enumerated() {
            stack.newTable(array: 2)
            stack.push(parameter.name)
            stack.setIndex(1, of: -2)
            stack.push(parameter.value)
            stack.setIndex(2, of: -2)
            stack.setIndex(index + 1, of: -2)
        }
        stack.markArray(at: -1)
        stack.setField("query_list", of: -2)
    }
}
