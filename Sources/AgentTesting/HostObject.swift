import AgentModel
import AgentScript
import AgentWorker
import LuaRuntime
import NIOCore

/// The host under test as a test file sees it: what `test.load` returns.
enum HostObject {
    private static let properties = ["sent", "state", "log", "store"]

    /// Pushes it.
    static func push(_ host: TestHost, directory: String, on stack: LuaStack) {
        stack.newTable(array: 0, fields: 12)
        HostDeliveries.install(host, on: stack)
        HostRequests.install(host, on: stack)
        installControl(host, directory: directory, on: stack)
        stack.setProperties(
            of: "host", known: properties,
            read: { (name, call) throws(LuaFailure) in
                switch name {
                case "sent": host.effects.push(on: call.stack)
                case "state": try pushState(of: host, on: call.stack)
                case "store": try host.stores.push(on: call.stack)
                case "log":
                    call.stack.newTable()
                    for (index, line) in host.log.all.enumerated() {
                        call.stack.push(line)
                        call.stack.setIndex(index + 1, of: -2)
                    }
                default: return false
                }
                return true
            },
            assign: { (name, call) throws(LuaFailure) in
                guard name == "state" else { return false }
                guard call.stack.type(at: 3) == .table else {
                    throw LuaFailure("host.state: table expected, got \(call.stack.typeName(at: 3))")
                }
                do throws(LuaError) {
                    try host.state?.replace(from: call.stack, at: 3)
                } catch {
                    throw LuaFailure(error.message)
                }
                return true
            })
    }

    private static func pushState(of host: TestHost, on stack: LuaStack) throws(LuaFailure) {
        do throws(LuaError) {
            try host.state?.push(on: stack)
        } catch {
            throw LuaFailure(error.message)
        }
    }

    // MARK: The clock, faults, versions

    private static func installControl(_ host: TestHost, directory: String, on stack: LuaStack) {
        stack.setMethod("advance", of: "host") { (arguments) throws(LuaFailure) in
            let seconds = try arguments.number(2, "seconds")
            guard seconds >= 0, seconds <= 1e9 else { throw arguments.invalid("seconds", "0 to 1e9 expected") }
            guard host.elapsed + seconds <= TestHost.longest else {
                throw arguments.invalid("seconds", "the clock of a host goes \(Int(TestHost.longest)) seconds at most")
            }
            try host.advance(by: seconds)
            return .results(0)
        }
        stack.setMethod("fail", of: "host") { (arguments) throws(LuaFailure) in
            let kind = try arguments.string(2, "kind")
            guard FaultPlan.kinds.contains(kind) else {
                throw arguments.invalid("kind", "\"kafka\", \"mqtt\", \"http\" or \"store\" expected, got \"\(kind)\"")
            }
            let message = try arguments.string(3, "message")
            let times = arguments.isMissing(4) ? 1 : try arguments.number(4, "times")
            guard let count = Int(exactly: times), count >= 0 else {
                throw arguments.invalid("times", "a whole number from 0 expected")
            }
            host.faults.order(kind, message, times: count)
            return .results(0)
        }
        stack.setMethod("answer", of: "host") { (arguments) throws(LuaFailure) in
            host.outbound.prepare(try answer(arguments))
            return .results(0)
        }
        stack.setMethod("reload", of: "host") { (arguments) throws(LuaFailure) in
            let path = try arguments.optionalString(2, "path")
            do throws(ScriptFailure) {
                let version: String
                if let path {
                    version = try host.load(TestPath.resolve(path, in: directory))
                } else {
                    version = try host.reload()
                }
                arguments.stack.push(version)
                return .results(1)
            } catch {
                return arguments.done(error.message)
            }
        }
        stack.setMethod("stop", of: "host") { (_) throws(LuaFailure) in
            try host.stop()
            return .results(0)
        }
    }

    private static func answer(_ arguments: Arguments) throws(LuaFailure) -> OutboundCapture.Prepared {
        let fields = try arguments.fields(2, "answer", known: ["url", "method", "status", "json", "body", "headers"])
        guard let url = try fields.string("url") else { throw arguments.invalid("answer", "a url is missing") }
        let json = try fields.json("json")
        var headers = try fields.texts("headers")
        if json != nil, !headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            headers.append(("content-type", "application/json"))
        }
        let body = try fields.bytes("body")
        return OutboundCapture.Prepared(
            url: url, method: try fields.string("method")?.uppercased(),
            answer: HTTPAnswer(
                status: try fields.integer("status", in: 100...599) ?? 200, headers: headers,
                body: json ?? body ?? ByteBuffer()))
    }
}
