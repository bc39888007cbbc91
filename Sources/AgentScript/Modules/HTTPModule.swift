import AgentModel
import LuaRuntime
import NIOCore

/// `agenthost.http`: requests that look synchronous and yield underneath.
///
/// `request { url =, method =, headers =, body = | json =, timeout = }` answers `{ status, headers, body, json }`,
/// or `nil, message` when no answer came.
enum HTTPModule: ScriptModule {
    private static let fields = ["url", "method", "headers", "body", "json", "timeout"]

    static func install(on stack: LuaStack, for script: ScriptContext) {
        stack.newTable(array: 0, fields: 3)
        stack.setFunction("request") { [unowned script] (call) throws(LuaFailure) in
            let arguments = Arguments(call)
            guard let reader = try arguments.options(1, "request", known: fields) else {
                throw arguments.wrong("request", "table", at: 1)
            }
            try script.requireWaiting("agenthost.http", call)
            guard let url = try reader.string("url") else { throw reader.wrong("url", "string") }
            return try send(call, url: url, method: reader.string("method") ?? "GET", reader, for: script)
        }
        for (name, method) in [("get", "GET"), ("post", "POST")] {
            stack.setFunction(name) { [unowned script] (call) throws(LuaFailure) in
                let arguments = Arguments(call)
                let url = try arguments.string(1, "url")
                let reader = try arguments.options(2, "options", known: fields.filter { $0 != "url" && $0 != "method" })
                try script.requireWaiting("agenthost.http", call)
                return try send(call, url: url, method: method, reader, for: script)
            }
        }
        stack.strict("agenthost.http has no")
        stack.setField("http", of: -2)
    }

    private static func send(
        _ function: LuaCall, url: String, method: String, _ reader: TableReader?, for script: ScriptContext
    ) throws(LuaFailure) -> LuaOutcome {
        guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
            throw LuaFailure("url '\(url)': http:// or https:// expected")
        }
        guard method.utf8.allSatisfy({ $0 > 0x40 && $0 < 0x5B || $0 > 0x60 && $0 < 0x7B }), !method.isEmpty else {
            throw LuaFailure("method '\(method)': a word such as GET expected")
        }
        var call = HTTPCall(method: method.uppercased(), url: url, headers: [], body: nil, timeout: 30)
        call.allowedAddresses = script.declaration?.allowedAddresses ?? []
        // Why the request cannot be made, for what only shows when one is.
        var refusal: String?
        if call.method == "CONNECT" { refusal = "CONNECT opens a tunnel; no request can be made with it" }
        if let reader {
            let stack = reader.stack
            if let timeout = try reader.number("timeout") {
                guard timeout > 0, timeout <= 3600 else {
                    throw LuaFailure("timeout: more than 0 and at most 3600 seconds expected")
                }
                call.timeout = timeout
            }
            for header in try reader.headers("headers") ?? [] {
                guard let value = header.value.flatMap({ String(validating: $0, as: UTF8.self) }),
                    (header.name + value).utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
                else { throw LuaFailure("header '\(header.name)': text without line breaks expected") }
                if !HTTPCall.isFieldName(header.name) {
                    refusal = "\"\(header.name)\" is no header name: letters, digits and !#$%&'*+-.^_`|~ expected"
                }
                call.headers.append((name: header.name, value: value))
            }
            if reader.has("body"), reader.has("json") { throw LuaFailure("body and json: one of the two expected") }
            let body = stack.getField("body", of: reader.index)
            call.body = stack.withBytes(at: -1) { ByteBuffer(bytes: $0) }
            stack.pop(1)
            guard body == .nil || body == .string else { throw reader.wrong("body", "string") }
            if reader.has("json") {
                _ = stack.getField("json", of: reader.index)
                defer { stack.pop(1) }
                call.body = try stack.jsonBuffer(at: -1, path: "json")
                if !call.headers.contains(where: { $0.name.lowercased() == "content-type" }) {
                    call.headers.append((name: "Content-Type", value: "application/json"))
                }
            }
        }
        if call.method == "TRACE", call.body != nil { refusal = "a TRACE request has no body" }
        if let refusal = refusal ?? script.refusal(of: .request) {
            return .results(function.stack.pushFailure(refusal))
        }
        return script.wait(.http(call))
    }
}
