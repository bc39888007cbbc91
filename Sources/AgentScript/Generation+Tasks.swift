package import AgentModel
package import LuaRuntime
package import NIOCore

/// A task's request, read and checked straight on the coroutine's stack, with FastAPI's words for what is wrong.
extension Generation {
    /// What the request asked for, once its table is on the stack.
    package struct TaskArguments {
        /// The body's `task_type`, where it has one; the endpoint's handler serves it all the same.
        package var taskType: String?
    }

    /// Pushes the `task` table of a request. On an error nothing is left on the stack.
    package func pushTask(
        _ input: TaskRequest.Input, id: String, type: String, on stack: LuaStack
    ) throws(TaskFailure) -> TaskArguments {
        let top = stack.top
        do throws(TaskFailure) {
            switch input {
            case .body(let body): try pushBody(body, on: stack)
            case .document(let body):
                try pushDocument(body, on: stack)
                stack.newTable(array: 0, fields: 1)
                stack.push("" as StaticString)
                stack.setField("query", of: -2)
            case .call(let query, let parameters):
                stack.newTable(array: 0, fields: 2)
                stack.push(query)
                stack.setField("query", of: -2)
                if let parameters {
                    pushJSON(parameters, on: stack)
                    stack.setField("parameters", of: -2)
                }
            }
            let arguments = try pushTaskTable(fromTableAt: stack.top, id: id, type: type, on: stack)
            if case .document = input {
                stack.pushValue(at: top + 1)
                stack.setField("body", of: -2)
                stack.remove(at: top + 1)
            }
            stack.remove(at: top + 1)
            return arguments
        } catch {
            stack.setTop(top)
            throw error
        }
    }

    /// The `task` of `agent:process(type, payload)`: a payload whose fields are already Lua's.
    package func pushTask(
        payload: LuaReference, id: String, type: String, on stack: LuaStack
    ) throws(TaskFailure) -> TaskArguments {
        stack.push(payload)
        stack.release(payload)
        let table = stack.top
        if stack.getField("query", of: table) == .nil {
            stack.push("" as StaticString)
            stack.setField("query", of: table)
        }
        stack.pop(1)
        let arguments = try pushTaskTable(fromTableAt: table, id: id, type: type, on: stack)
        stack.remove(at: table)
        return arguments
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
            let isUTF8 = body.withUnsafeReadableBytes { String(validating: $0, as: UTF8.self) != nil }
            throw isUTF8 ? .invalidJSON(message: failure.message, offset: failure.offset) : .invalidUTF8
        }
    }

    private func pushTaskTable(
        fromTableAt body: Int32, id: String, type: String, on stack: LuaStack
    ) throws(TaskFailure) -> TaskArguments {
        var issues: [ValidationIssue] = []
        func issue(_ type: String, _ field: String, _ message: String, input index: Int32) {
            issues.append(
                ValidationIssue(type: type, location: ["body", field], message: message, input: stack.json(at: index)))
        }
        stack.newTable(array: 0, fields: 6)
        let task = stack.top
        stack.push(id)
        stack.setField("id", of: task)
        stack.push(type)
        stack.setField("type", of: task)

        switch stack.getField("query", of: body) {
        case .string: stack.setField("query", of: task)
        case .nil:
            issue("missing", "query", "Field required", input: body)
            stack.pop(1)
        default:
            issue("string_type", "query", "Input should be a valid string", input: -1)
            stack.pop(1)
        }
        for field in ["parameters", "context"] as [StaticString] {
            let kind = stack.getField(field, of: body)
            if kind == .nil || kind == .null {
                stack.pop(1)
                stack.newTable()
                stack.setField(field, of: task)
            } else if kind == .table, !stack.isArray(at: -1) {
                stack.setField(field, of: task)
            } else {
                issue("dict_type", "\(field)", "Input should be a valid dictionary", input: -1)
                stack.pop(1)
            }
        }
        var arguments = TaskArguments()
        switch stack.getField("task_type", of: body) {
        case .nil, .null: break
        case .string: arguments.taskType = stack.string(at: -1)
        default: issue("string_type", "task_type", "Input should be a valid string", input: -1)
        }
        stack.pop(1)
        switch stack.getField("priority", of: body) {
        case .nil, .null:
            stack.pop(1)
            stack.push(1)
        default:
            if let priority = stack.integer(at: -1) {
                if priority < 1 {
                    issue("greater_than_equal", "priority", "Input should be greater than or equal to 1", input: -1)
                } else if priority > 3 {
                    issue("less_than_equal", "priority", "Input should be less than or equal to 3", input: -1)
                }
            } else {
                issue("int_type", "priority", "Input should be a valid integer", input: -1)
            }
        }
        stack.setField("priority", of: task)
        guard issues.isEmpty else { throw .invalid(issues) }
        if let model = handlers.parameterModels[type] {
            try ModelsModule.checkParameters(model, ofTaskAt: task, on: stack, in: self)
        }
        return arguments
    }
}

extension LuaStack {
    /// A value as JSON for an error's `input`; null where it has none.
    func json(at index: Int32) -> ByteBuffer {
        (try? withJSON(at: index, path: "input") { ByteBuffer(bytes: $0) }) ?? .null
    }
}

extension ByteBuffer {
    /// The JSON text `null`.
    package static var null: ByteBuffer { ByteBuffer(staticString: "null") }
}
