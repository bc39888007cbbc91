package import AgentModel
package import LuaRuntime
import NIOCore

/// `agenthost.answer(status, body?, headers?)`: an HTTP answer of the script's own, which a task's handler returns or
/// raises.
///
/// It is a table with the three in it, and a metatable that no script gets hold of, by which it is known again. What is
/// in it is checked when it is made, so that the error names the script's line, and when it leaves, as a script may have
/// changed it.
package enum AnswerModule: ScriptModule {
    static func install(on stack: LuaStack, for script: ScriptContext) {
        stack.setFunction("answer") { [unowned script] (call) throws(LuaFailure) in
            let stack = call.stack
            let count = call.argumentCount
            if count < 3 { stack.setTop(3) }
            _ = try AnswerFields(stack, status: 1, body: 2, headers: 3) { name, reason in
                LuaFailure("bad argument '\(name)' to 'answer' (\(reason))")
            }
            stack.newTable(array: 0, fields: 3)
            for (index, name) in ["status", "body", "headers"].enumerated() {
                stack.pushValue(at: Int32(index + 1))
                stack.setField(name, of: -2)
            }
            pushMetatable(on: stack, for: script)
            stack.setMetatable(of: -2)
            return .results(1)
        }
    }

    private static func pushMetatable(on stack: LuaStack, for script: ScriptContext) {
        if let made = script.kept.answer { return stack.push(made) }
        stack.newTable(array: 0, fields: 1)
        stack.push(false)
        stack.setField("__metatable", of: -2)
        stack.pushValue(at: -1)
        script.state.keepErrors(
            withMetatableOn: stack, message: "an HTTP answer was raised where nobody waits for one, outside of a task")
        stack.pushValue(at: -1)
        script.kept.answer = stack.reference()
    }

    private static func isAnswer(at index: Int32, on stack: LuaStack, for script: ScriptContext) -> Bool {
        guard let metatable = script.kept.answer, stack.type(at: index) == .table else { return false }
        let top = stack.top
        defer { stack.setTop(top) }
        guard stack.getMetatable(of: index) else { return false }
        stack.push(metatable)
        return stack.rawEqual(-1, -2)
    }

    /// The value as an HTTP answer, with its body pushed on the stack (nil where it has none); nil, and nothing pushed,
    /// for any other value. Throws what is wrong with one that the script has changed, or whose body has no JSON.
    package static func answer(
        at index: Int32, on stack: LuaStack, for script: ScriptContext
    ) throws(LuaError) -> TaskAnswer? {
        guard isAnswer(at: index, on: stack, for: script) else { return nil }
        let answer = stack.absolute(index)
        let first = stack.top + 1
        for name in ["status", "headers", "body"] { stack.getField(name, of: answer) }
        do throws(LuaError) {
            return try read(stack, status: first, headers: first + 1, body: first + 2)
        } catch {
            stack.setTop(first - 1)
            throw error
        }
    }

    private static func read(
        _ stack: LuaStack, status: Int32, headers: Int32, body: Int32
    ) throws(LuaError) -> TaskAnswer {
        let fields: AnswerFields
        do throws(LuaFailure) {
            fields = try AnswerFields(stack, status: status, body: body, headers: headers) { name, reason in
                LuaFailure("answer.\(name): \(reason)")
            }
        } catch {
            throw LuaError(kind: .runtime, message: error.message)
        }
        var bytes: ByteBuffer?
        var form = TaskAnswer.Form.json
        switch stack.type(at: body) {
        case .nil: break
        case .string:
            bytes = stack.withBytes(at: body) { ByteBuffer(bytes: $0) }
            form = fields.saysJSON ? .saysJSON : .text
        default:
            do {
                bytes = try stack.withJSON(at: body, path: "body") { ByteBuffer(bytes: $0) }
            } catch {
                throw error as? LuaError ?? LuaError(kind: .json, message: "body: \(ErrorText.of(error))")
            }
        }
        let type = form == .text ? "text/plain; charset=utf-8" : "application/json"
        return TaskAnswer(
            status: fields.status, fields: fields.lines,
            contentType: bytes == nil || fields.contentType != nil ? nil : type, body: bytes, form: form,
            namesOrigin: fields.namesOrigin)
    }
}

/// What an answer says beside its body, checked.
private struct AnswerFields {
    let status: Int
    /// Lines, each ended by CR LF.
    var lines = ByteBuffer()
    /// In lower case; nil when the headers name none.
    var contentType: String?
    var namesOrigin = false

    /// Bytes of all headers together; as many as a request may have.
    private static let longest = 64 << 10
    /// How the connection goes on and where the answer ends is the host's affair (RFC 9112 sections 6 and 9), and so is
    /// the time (RFC 9110 section 6.6.1).
    private static let reserved: Set = [
        "connection", "content-length", "date", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
    ]

    /// - Parameter fault: an error about one of the three, by name.
    init(
        _ stack: LuaStack, status statusIndex: Int32, body: Int32, headers: Int32,
        fault: (_ name: String, _ reason: String) -> LuaFailure
    ) throws(LuaFailure) {
        guard let status = stack.integer(at: statusIndex), (200...599).contains(status) else {
            let isNumber = stack.number(at: statusIndex) != nil
            let got = isNumber ? stack.displayString(at: statusIndex) : stack.typeName(at: statusIndex)
            throw fault("status", "an integer from 200 to 599 expected, got \(got)")
        }
        self.status = Int(status)
        switch stack.type(at: body) {
        case .nil: break
        case .table, .string, .boolean, .integer, .number, .null:
            if TaskAnswer.hasNoContent(status: self.status) {
                throw fault("body", "an answer of status \(status) has no content; leave the body out")
            }
        default:
            throw fault(
                "body",
                "a table, a string, a number, a boolean or agenthost.null expected, got \(stack.typeName(at: body))"
            )
        }
        guard stack.type(at: headers) != .nil else { return }
        let list: [MessageHeader]
        do throws(LuaFailure) { list = try stack.headers(at: headers, "headers", repeats: true) } catch {
            throw fault("headers", error.message)
        }
        for header in list { try append(header, fault: fault) }
        if lines.readableBytes > Self.longest {
            throw fault("headers", "at most \(LuaText.size(Self.longest)) together expected")
        }
    }

    private mutating func append(
        _ header: MessageHeader, fault: (_ name: String, _ reason: String) -> LuaFailure
    ) throws(LuaFailure) {
        guard HTTPCall.isFieldName(header.name) else {
            throw fault(
                "headers", "\"\(header.name)\" is no header name: letters, digits and !#$%&'*+-.^_`|~ expected")
        }
        let name = header.name.lowercased()
        if Self.reserved.contains(name) {
            throw fault("headers", "\(header.name) is the host's to say; leave it out")
        }
        guard let value = header.value else {
            throw fault("headers", "\(header.name): a string expected as the value, got null")
        }
        // RFC 9110 section 5.5: a line break would begin another header.
        guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            throw fault("headers", "\(header.name): text without line breaks and other control characters expected")
        }
        lines.writeString(header.name)
        lines.writeStaticString(": ")
        lines.writeBytes(value)
        lines.writeStaticString("\r\n")
        if name == "content-type" {
            if contentType != nil { throw fault("headers", "\(header.name) is there twice") }
            contentType = String(decoding: value, as: UTF8.self).lowercased()
        }
        if name == "access-control-allow-origin" { namesOrigin = true }
    }

    /// Whether the content type is JSON (RFC 6839 section 3.1).
    var saysJSON: Bool {
        guard let type = contentType?.prefix(while: { $0 != ";" }).filter({ $0 != " " }) else { return false }
        return type == "application/json" || type.hasPrefix("application/") && type.hasSuffix("+json")
    }
}
