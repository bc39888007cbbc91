package import AgentModel
package import LuaRuntime
import NIOCore

/// Reads a task's request and checks it straight on the coroutine's stack, with FastAPI's words for what is wrong.
package struct TaskReader {
    let script: ScriptContext
    let requests: RequestParts

    /// Pushes the `task` table of a request, with what the handler sees of it. On an error nothing is left on the stack.
    package func push(
        _ input: TaskRequest.Input, context: RequestContext = .none, id: @autoclosure () -> String, type: String,
        showing fields: TaskFields = .all, on stack: LuaStack
    ) throws(TaskFailure) {
        let top = stack.top
        do throws(TaskFailure) {
            switch input {
            case .body(let body):
                try pushBody(body, on: stack)
                let isSeenByName = !fields.contains(.others) && script.handlers.parameterModels[type] == nil
                if isSeenByName, complete(fields, id: id(), type: type, on: stack) { return }
            case .document(let body):
                try pushDocument(body, on: stack)
                stack.newTable(array: 0, fields: 1)
                stack.push("" as StaticString)
                stack.setField("query", of: -2)
            case .query(let query, let parameters): try pushCall(query, parameters, on: stack)
            case .call(let query, let parameters): try pushCall(query, parameters, on: stack)
            }
            do throws(TaskFailure) {
                try pushTaskTable(fromTableAt: stack.top, id: id(), type: type, from: .client, on: stack)
            } catch {
                guard case .query = input, case .invalid(let issues) = error else { throw error }
                throw .invalid(issues.map(Self.inQuery))
            }
            if case .document(let body) = input {
                stack.pushValue(at: top + 1)
                stack.setField("body", of: -2)
                body.withUnsafeReadableBytes { stack.push($0) }
                stack.setField("raw", of: -2)
                stack.remove(at: top + 1)
            }
            stack.remove(at: top + 1)
            requests.attach(context, on: stack)
        } catch {
            stack.setTop(top)
            throw error
        }
    }

    /// Makes the body, on top of the stack, the task itself: where the handler sees nothing but certain fields, it cannot
    /// tell what else there is. False: the body is not as it nearly always is, and nothing has happened.
    private func complete(
        _ fields: TaskFields, id: @autoclosure () -> String, type: String, on stack: LuaStack
    ) -> Bool {
        let body = stack.top
        defer { stack.setTop(body) }
        guard stack.getField("query", of: body) == .string else { return false }
        let parameters = stack.getField("parameters", of: body)
        guard parameters == .nil || parameters == .table && !stack.isArray(at: -1) else { return false }
        let context = stack.getField("context", of: body)
        guard context == .nil || context == .table && !stack.isArray(at: -1) else { return false }
        switch stack.getField("task_type", of: body) {
        case .nil, .null, .string: break
        default: return false
        }
        let priority = stack.getField("priority", of: body)
        switch priority {
        case .nil, .null: break
        case .integer where (1...3).contains(stack.integer(at: -1) ?? 0): break
        default: return false
        }
        stack.setTop(body)
        if fields.contains(.id) { stack.put("id", id()) }
        if fields.contains(.type) { stack.put("type", type) }
        if fields.contains(.parameters), parameters == .nil { putTable("parameters", on: stack) }
        if fields.contains(.context), context == .nil { putTable("context", on: stack) }
        if fields.contains(.priority), priority == .nil || priority == .null { stack.put("priority", 1) }
        return true
    }

    private func putTable(_ name: StaticString, on stack: LuaStack) {
        stack.newTable()
        stack.putValue(name)
    }

    /// An issue with a parameter of a query string, which has no `parameters` around it.
    private static func inQuery(_ issue: ValidationIssue) -> ValidationIssue {
        var issue = issue
        issue.location =
            ["query"] + issue.location.dropFirst(issue.location.prefix(2) == ["body", "parameters"] ? 2 : 1)
        return issue
    }

    private func pushCall(_ query: String, _ parameters: ByteBuffer?, on stack: LuaStack) throws(TaskFailure) {
        stack.newTable(array: 0, fields: 2)
        stack.push(query)
        stack.setField("query", of: -2)
        guard let parameters else { return }
        do throws(LuaError) {
            try stack.push(json: parameters)
        } catch {
            throw .failed("reading the request: \(error.message)")
        }
        stack.setField("parameters", of: -2)
    }

    /// The `task` of `agent:process(type, payload)`: a payload whose fields are already Lua's.
    package func push(
        payload: LuaReference, id: String, type: String, on stack: LuaStack
    ) throws(TaskFailure) {
        stack.push(payload)
        stack.release(payload)
        let table = stack.top
        if stack.getField("query", of: table) == .nil {
            stack.push("" as StaticString)
            stack.setField("query", of: table)
        }
        stack.pop(1)
        try pushTaskTable(fromTableAt: table, id: id, type: type, from: .script, on: stack)
        stack.remove(at: table)
        requests.attach(.none, on: stack)
    }

    private func pushBody(_ body: ByteBuffer, on stack: LuaStack) throws(TaskFailure) {
        try pushDocument(body, on: stack)
        guard stack.type(at: -1) == .table, !stack.isArray(at: -1) else {
            throw .invalid([
                .init(
                    type: "model_attributes_type", location: ["body"],
                    message: "Input should be a valid dictionary or object to extract fields from",
                    input: stack.json(at: -1))
            ])
        }
    }

    private func pushDocument(_ body: ByteBuffer, on stack: LuaStack) throws(TaskFailure) {
        guard body.readableBytes > 0 else {
            throw .invalid([.init(type: "missing", location: ["body"], message: "Field required", input: .null)])
        }
        let failure: JSONDecodingError? = body.withUnsafeReadableBytes { bytes in
            do throws(JSONDecodingError) {
                try stack.pushJSON(bytes)
                return nil
            } catch {
                return error
            }
        }
        if let failure {
            if let refusal = failure.refusal { throw .failed("reading the request: \(refusal.message)") }
            throw failure.isUTF8Error
                ? .invalidUTF8 : .invalidJSON(message: failure.message, offset: failure.offset)
        }
    }

    private static let query = ModelField("query", .string)
    private static let taskType = ModelField("task_type", .string, absent: .allowed)
    private static let priority = ModelField("priority", .integer(1...3), absent: .integer(1))
    private static let parameters = ModelField("parameters", .map(.any), absent: .emptyTable)
    private static let context = ModelField("context", .map(.any), absent: .emptyTable)

    /// The fields of the body, as pydantic checks and converts them; in its order, so that issues have it too.
    private func pushTaskTable(
        fromTableAt body: Int32, id: String, type: String, from source: ModelChecker.Source, on stack: LuaStack
    ) throws(TaskFailure) {
        var issues: [ModelIssue] = []
        stack.newTable(array: 0, fields: 6)
        let task = stack.top
        stack.put("id", id)
        stack.put("type", type)
        /// For what is not as it nearly always is.
        func check(_ field: ModelField) {
            var checker = ModelChecker(on: stack, for: script, from: source)
            checker.push(field, of: body)
            issues += checker.issues
            stack.setField(field.name, of: task)
        }
        if !stack.putString("query", from: body) { check(Self.query) }
        if let model = script.handlers.parameterModels[type] {
            try issues += pushParameters(by: model, of: body, from: source, on: stack)
            stack.putValue("parameters")
        } else if !stack.putFields("parameters", from: body) {
            check(Self.parameters)
        }
        if !stack.putFields("context", from: body) { check(Self.context) }
        // Checked and then left alone: the endpoint says which task it is.
        switch stack.getField("task_type", of: body) {
        case .nil, .null, .string: stack.pop(1)
        default:
            stack.pop(1)
            check(Self.taskType)
            stack.pushNil()
            stack.setField("task_type", of: task)
        }
        switch stack.getField("priority", of: body) {
        case .nil, .null:
            stack.pop(1)
            stack.put("priority", 1)
        case .integer where (1...3).contains(stack.integer(at: -1) ?? 0): stack.putValue("priority")
        default:
            stack.pop(1)
            check(Self.priority)
        }
        guard issues.isEmpty else { throw .invalid(issues.map { $0.validationIssue(below: ["body"]) }) }
    }

    /// Pushes the `parameters` of the body, checked by an endpoint's model. They may be left out, or null, where the model
    /// asks for nothing.
    private func pushParameters(
        by model: LuaReference, of body: Int32, from source: ModelChecker.Source, on stack: LuaStack
    ) throws(TaskFailure) -> [ModelIssue] {
        stack.push(model)
        defer { stack.remove(at: -2) }
        guard let schema = ModelSchema.find(at: stack.top, on: stack) else {
            stack.pushNil()
            throw .failed("the model of the endpoint's parameters is no model any more")
        }
        var checker = ModelChecker(on: stack, for: script, from: source)
        let kind = stack.getField("parameters", of: body)
        stack.pop(1)
        if !schema.isRequired, kind == .nil || kind == .null {
            stack.newTable()
            checker.push(.object(schema.fields), from: stack.top)
            stack.remove(at: -2)
        } else {
            checker.push(ModelField("parameters", .object(schema.fields)), of: body)
        }
        return checker.issues
    }
}
