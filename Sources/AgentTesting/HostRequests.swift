import AgentModel
import AgentScript
import LuaRuntime
import NIOCore

/// `host:request`, `host:websocket` and `host:stream`.
enum HostRequests {
    static func install(_ host: TestHost, on stack: LuaStack) {
        stack.setMethod("request", of: "host") { (arguments) throws(LuaFailure) in
            let response = try host.request(try request(arguments))
            arguments.stack.push(response.head.status)
            arguments.stack.pushValue(ofBytes: response.body.readableBytes == 0 ? nil : response.body)
            let headers = response.head.fields.map { MessageHeader(name: $0.name, value: Array($0.value.utf8)) }
            arguments.stack.pushHeadersByName(headers)
            arguments.stack.pushHeaderList(headers)
            return .results(4)
        }
        stack.setMethod("websocket", of: "host") { (arguments) throws(LuaFailure) in
            let path = try self.path(arguments)
            var fields: [(name: String, value: String)] = []
            if !arguments.isMissing(3) {
                let options = try arguments.fields(3, "options", known: ["headers", "subprotocols"])
                fields = try headers(options, arguments)
                let names = try (options.strings("subprotocols") ?? []).joined(separator: ", ")
                if !names.isEmpty { fields.append(("sec-websocket-protocol", names)) }
            }
            switch try host.openWebSocket(path: path, fields: fields) {
            case .success(let client):
                ClientObject.push(client, of: host, on: arguments.stack)
                return .results(1)
            case .failure(let failure): return arguments.done(failure.description)
            }
        }
        stack.setMethod("stream", of: "host") { (arguments) throws(LuaFailure) in
            let path = try self.path(arguments)
            let options = arguments.isMissing(3) ? nil : try arguments.fields(3, "options", known: ["last_event_id"])
            switch try host.openStream(path: path, lastEventID: try options?.string("last_event_id")) {
            case .success(let client):
                StreamObject.push(client, of: host, on: arguments.stack)
                return .results(1)
            case .failure(let failure): return arguments.done(failure.description)
            }
        }
    }

    private static func path(_ arguments: Arguments) throws(LuaFailure) -> String {
        let path = try arguments.string(2, "path")
        guard isPath(path) else {
            throw arguments.invalid("path", "a path that begins with / and has no spaces expected, got \"\(path)\"")
        }
        return path
    }

    private static func isPath(_ text: String) -> Bool {
        text.hasPrefix("/") && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }

    private static func request(_ arguments: Arguments) throws(LuaFailure) -> TestRequest {
        let fields = try arguments.fields(2, "request", known: ["method", "path", "json", "body", "headers"])
        guard let path = try fields.string("path"), isPath(path) else {
            throw arguments.invalid("request", "a path that begins with / and has no spaces expected")
        }
        let json = try fields.json("json")
        let body = try fields.bytes("body")
        guard json == nil || body == nil else {
            throw arguments.invalid("request", "json or body: one of the two expected")
        }
        let method = try fields.string("method") ?? (json == nil && body == nil ? "GET" : "POST")
        guard !method.isEmpty, method.utf8.allSatisfy({ ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A }) else {
            throw arguments.invalid("request.method", "a word such as GET expected, got \"\(method)\"")
        }
        var request = TestRequest(method: method.uppercased(), target: path, body: json ?? body)
        request.fields = try headers(fields, arguments)
        if request.body != nil, !request.fields.contains(where: { $0.name.lowercased() == "content-type" }) {
            request.fields.append(("content-type", "application/json"))
        }
        return request
    }

    private static func headers(
        _ fields: TableReader, _ arguments: Arguments
    ) throws(LuaFailure) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        for header in try fields.texts("headers") {
            guard (header.name + header.value).utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                throw arguments.invalid("headers", "'\(header.name)': text without line breaks expected")
            }
            headers.append(header)
        }
        return headers
    }
}
