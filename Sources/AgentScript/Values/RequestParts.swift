package import AgentModel
package import LuaRuntime
import NIOCore

/// What a script may know of the HTTP request behind a task or a client: `path`, `query_params`, `query_list`, `headers` and
/// `header_list`.
///
/// Most handlers look at none of it. So the table has only a metatable with the bytes of the request's head, and a field
/// is made when it is first read, which then is one of the table's own.
package final class RequestParts {
    private static let fields = ["path", "query_params", "query_list", "headers", "header_list"]

    /// `__index` of a client: its methods are found without leaving Lua.
    private static let clientSource =
        "local methods, other = ... return function(client, name) local method = methods[name] "
        + "if method ~= nil then return method end return other(client, name) end"

    private let state: LuaState
    private var clientIndex: LuaReference?
    private lazy var taskIndex = makeTaskIndex()
    private lazy var headers = makeHeadersMetatable()
    /// The metatables of clients by id, as long as Lua keeps them.
    private lazy var clients = makeWeakTable()
    /// The head of the latest request, and the metatable of its tasks.
    private var latest: (head: ByteBuffer, metatable: LuaReference)?
    /// The metatable of tasks that came without a request.
    private lazy var noRequest: LuaReference = {
        pushMetatable(taskIndex, head: ByteBuffer(), on: state.stack)
        return state.stack.reference()
    }()

    /// The methods of clients are on top of the stack, which pops them.
    init(in state: LuaState) throws(LuaError) {
        self.state = state
        clientIndex = try makeClientIndex()
    }

    // MARK: Tasks

    /// Gives the task on top of the stack the parts of its request.
    func attach(_ request: RequestContext, on stack: LuaStack) {
        pushPath(of: request, on: stack)
        if request.head.readableBytes > 0 {
            pushMetatable(of: request.head, on: stack)
        } else {
            stack.push(noRequest)
        }
        stack.setMetatable(of: -2)
    }

    /// Requests of one client mostly have the same head, byte for byte, and then the same metatable.
    private func pushMetatable(of head: ByteBuffer, on stack: LuaStack) {
        if let latest {
            if latest.head == head { return stack.push(latest.metatable) }
            stack.release(latest.metatable)
        }
        pushMetatable(taskIndex, head: head, on: stack)
        stack.pushValue(at: -1)
        // A copy: the bytes may be a part of what was read from a socket, whose buffer is to be used again.
        latest = (ByteBuffer(bytes: head.readableBytesView), stack.reference())
    }

    private func makeTaskIndex() -> LuaReference {
        pushIndex(on: state.stack) { (call) throws(LuaFailure) in
            let name = call.stack.displayString(at: 2)
            if let instead = Misnomer.ofTask(name) { throw LuaFailure("a task has no '\(name)' (\(instead))") }
            return .results(0)
        }
        return state.stack.reference()
    }

    // MARK: Clients

    /// Pushes the `client` of a WebSocket handler: its `id`, what is known of its request, and methods that reach it from
    /// any later handler too.
    package func push(_ client: any WebSocketClient, on stack: LuaStack) {
        stack.newTable(array: 0, fields: 3)
        stack.push(client.clientID)
        stack.setField("id", of: -2)
        stack.pushOptional(client.subprotocol, field: "subprotocol")
        pushPath(of: client.request, on: stack)
        // A client comes with every message: its metatable is kept until Lua collects it.
        guard let clientIndex else { return }
        stack.push(clients)
        stack.push(client.clientID)
        if stack.rawGet(of: -2) != .table {
            stack.pop(1)
            pushMetatable(clientIndex, head: client.request.head, on: stack)
            stack.pushValue(at: -1)
            stack.setField(client.clientID, of: -3)
        }
        stack.remove(at: -2)
        stack.setMetatable(of: -2)
    }

    private func makeWeakTable() -> LuaReference {
        let stack = state.stack
        stack.newTable()
        stack.newTable(array: 0, fields: 1)
        stack.push("v" as StaticString)
        stack.setField("__mode", of: -2)
        stack.setMetatable(of: -2)
        return stack.reference()
    }

    /// Makes `__index` of clients. The methods are on top of the stack, which pops them.
    private func makeClientIndex() throws(LuaError) -> LuaReference {
        let methods = state.stack.reference()
        let chunk = try Array(Self.clientSource.utf8).withUnsafeBytesTyped { (bytes) throws(LuaError) in
            try state.compile(bytes, name: "client")
        }
        try state.call(
            chunk,
            arguments: { stack in
                stack.push(methods)
                pushIndex(on: stack) { (call) throws(LuaFailure) in
                    let name = call.stack.displayString(at: 2)
                    // The one field that need not be there.
                    if name == "subprotocol" { return .results(0) }
                    let known = Self.fields + ["id", "subprotocol", "send", "send_raw", "close"]
                    // The script's line, past the frame of the function above.
                    let place = call.stack.location(level: 2).map { "\($0): " } ?? ""
                    throw LuaFailure(
                        "\(place)a client has no '\(name)'\(NameSuggestion.hint(name, among: known))", position: false)
                }
                return 2
            }, results: 1)
        let index = state.stack.reference()
        state.stack.release(chunk)
        state.stack.release(methods)
        return index
    }

    // MARK: Both

    private func pushPath(of request: RequestContext, on stack: LuaStack) {
        guard !request.path.isEmpty else { return }
        push(request.path, on: stack)
        stack.setField("path", of: -2)
    }

    private func pushMetatable(_ index: LuaReference, head: ByteBuffer, on stack: LuaStack) {
        stack.newTable(array: 0, fields: 3)
        stack.push(index)
        stack.setField("__index", of: -2)
        // Plain data all the same: a task in `agent.state` is copied as what it has.
        stack.push(true)
        stack.setField("__plain", of: -2)
        head.withUnsafeReadableBytes { stack.push($0) }
        stack.setField("head", of: -2)
    }

    /// Pushes an `__index` that makes the parts of a request; `unknown` answers for any other field.
    private func pushIndex(on stack: LuaStack, unknown: @escaping LuaHostFunction) {
        stack.pushFunction("__index") { [unowned self] (call) throws(LuaFailure) in
            let stack = call.stack
            guard call.argumentCount >= 2, stack.type(at: 1) == .table, stack.type(at: 2) == .string,
                let name = stack.string(at: 2), Self.fields.contains(name)
            else { return try unknown(call) }
            var head = ByteBuffer()
            if stack.getMetatable(of: 1), stack.getField("head", of: -1) == .string {
                head = stack.withBytes(at: stack.top) { ByteBuffer(bytes: $0) } ?? head
            }
            push(name, of: head, on: stack)
            stack.pushValue(at: -1)
            stack.setField(name, of: 1)
            return .results(1)
        }
    }

    /// Pushes one of the fields.
    private func push(_ name: String, of head: ByteBuffer, on stack: LuaStack) {
        head.withUnsafeReadableBytes { bytes in
            switch name {
            case "query_params", "query_list":
                let parameters = RequestHeadText.query(bytes).map { QueryString($0).parameters } ?? []
                name == "query_list" ? pushList(parameters, on: stack) : push(parameters, on: stack)
            case "headers": pushHeaders(bytes, on: stack)
            case "header_list":
                stack.newTable()
                var count = 0
                RequestHeadText.eachField(bytes) { name, value in
                    stack.newTable(array: 2, fields: 0)
                    Self.pushLower(name, on: stack)
                    stack.setIndex(1, of: -2)
                    stack.push(value)
                    stack.setIndex(2, of: -2)
                    stack.markArray(at: -1)
                    count += 1
                    stack.setIndex(count, of: -2)
                }
                stack.markArray(at: -1)
            default: stack.newTable()
            }
        }
    }

    /// By name, the last of several.
    private func push(_ pairs: [(name: String, value: String)], on stack: LuaStack) {
        stack.newTable(array: 0, fields: Int32(clamping: pairs.count))
        for (name, value) in pairs {
            stack.push(value)
            stack.setField(name, of: -2)
        }
    }

    private func pushList(_ pairs: [(name: String, value: String)], on stack: LuaStack) {
        stack.newTable(array: Int32(clamping: pairs.count), fields: 0)
        for (position, pair) in pairs.enumerated() {
            stack.newTable(array: 2, fields: 0)
            stack.push(pair.name)
            stack.setIndex(1, of: -2)
            stack.push(pair.value)
            stack.setIndex(2, of: -2)
            stack.markArray(at: -1)
            stack.setIndex(position + 1, of: -2)
        }
        stack.markArray(at: -1)
    }

    /// Names in lower case, the last value of several; read by a name in any case.
    private func pushHeaders(_ head: UnsafeRawBufferPointer, on stack: LuaStack) {
        stack.newTable(array: 0, fields: 8)
        RequestHeadText.eachField(head) { name, value in
            Self.pushLower(name, on: stack)
            stack.push(value)
            stack.rawSet(of: -3)
        }
        stack.push(headers)
        stack.setMetatable(of: -2)
    }

    /// The metatable of headers by name.
    private func makeHeadersMetatable() -> LuaReference {
        let main = state.stack
        main.newTable(array: 0, fields: 2)
        main.setFunction("__index") { call in
            let stack = call.stack
            let name = stack.type(at: 2) == .string ? stack.string(at: 2) ?? "" : ""
            let lower = name.lowercased()
            if lower == name || stack.type(at: 1) != .table {
                stack.pushNil()
            } else {
                stack.getField(lower, of: 1)
            }
            return .results(1)
        }
        main.push(true)
        main.setField("__plain", of: -2)
        return main.reference()
    }

    private static func pushLower(_ name: UnsafeRawBufferPointer, on stack: LuaStack) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(name.count, 1)) { buffer in
            for (position, byte) in name.enumerated() { buffer[position] = RequestHeadText.lower(byte) }
            stack.push(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<name.count]))
        }
    }
}
