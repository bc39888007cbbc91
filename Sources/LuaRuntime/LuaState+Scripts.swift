internal import CLua
internal import CLuaBridge

extension LuaState {
    /// Compiles text; messages call it `name` ("health.lua"). A byte order mark and a first line that begins with `#`
    /// are skipped. Throws for what is not Lua (with what was probably meant, where that can be told), for compiled chunks,
    /// and when it takes more CPU time than `budget`, by default `limits.load`, or inside a running slice than is left of
    /// that.
    package func compile(
        _ source: UnsafeRawBufferPointer, name: String, budget: Duration? = nil
    ) throws(LuaError) -> LuaReference {
        let stack = self.stack
        var text = source[...]
        if text.starts(with: [0xEF, 0xBB, 0xBF]) {
            text = text.dropFirst(3)
        }
        if text.first == UInt8(ascii: "#") {
            // The line's end stays, so that lines keep their numbers.
            text = text.drop { $0 != UInt8(ascii: "\n") }
        }
        // LUA_SIGNATURE: what `luac` writes.
        if text.starts(with: [0x1B, 0x4C, 0x75, 0x61]) {
            throw LuaError(kind: .syntax, message: "\(name):1: is compiled Lua; the source is expected")
        }
        let step = UnsafeRawBufferPointer(rebasing: text).withMemoryRebound(to: CChar.self) {
            lb_compile(stack.thread, $0.baseAddress, $0.count, "@" + name, (budget ?? limits.load).nanoseconds)
        }
        if step == LB_RETURNED {
            noteGlobalWrites(in: name)
            return stack.reference()
        }
        defer { stack.pop() }
        let message = stack.string(at: -1) ?? ""
        // Where Lua does not say which file it is about, this does.
        let place = message.hasPrefix(name) ? "" : "\(name):1: "
        guard step == LB_FAILED_RUNTIME else { throw LuaError(kind: LuaError.Kind(step), message: place + message) }
        let hint = SyntaxHint.text(for: message, in: UnsafeRawBufferPointer(rebasing: text)).map { " (\($0))" } ?? ""
        throw LuaError(kind: .syntax, message: place + message + hint)
    }

    private func noteGlobalWrites(in file: String) {
        var at = 0
        var name: UnsafePointer<CChar>?
        var write = lb_global_write()
        while globalWrites.count < LuaGlobalWrite.most, lb_next_global_write(openHost, &at, &name, &write) {
            let bytes = UnsafeRawBufferPointer(start: name, count: write.length)
            globalWrites.append(
                LuaGlobalWrite(
                    name: String(decoding: bytes, as: UTF8.self), file: file, line: Int(write.line),
                    isInFunction: write.in_function))
        }
    }

    /// Calls a function that must not wait. `arguments` pushes its arguments and returns how many; the results, all of
    /// them or as many as asked for, are left on top of `stack`. `budget` is CPU time, by default `limits.load`; inside
    /// a running slice that slice's own budget goes on instead. Returns the number of results.
    @discardableResult
    package func call(
        _ function: LuaReference, budget: Duration? = nil, arguments: (LuaStack) -> Int32 = { _ in 0 },
        results: Int32 = 0
    ) throws(LuaError) -> Int32 {
        let coroutine = self.coroutine()
        defer { coroutine.recycle() }
        coroutine.stack.push(function)
        let count = arguments(coroutine.stack)
        switch coroutine.run(arguments: count, budget: budget ?? limits.load) {
        case .returned(var count):
            if results >= 0 {
                coroutine.stack.setTop(coroutine.stack.top + results - count)
                count = results
            }
            guard coroutine.stack.moveTop(count, to: stack) else {
                throw LuaError(kind: .runtime, message: "stack overflow (too many results)")
            }
            return count
        case .failed(let error):
            throw error
        case .waiting, .notWaiting:
            // The trampoline has refused the wait.
            throw LuaError(kind: .runtime, message: "attempt to wait in a call that cannot wait")
        }
    }

    /// Pushes on `to` a copy of a plain value: nil, booleans, numbers, strings, null, and tables of these. Shared
    /// references and cycles stay what they are, and arrays arrays. Throws an error that names, below `path`, the first
    /// thing that is not plain ("agent.state.f is a function"), or one of kind `memory` or `budget` when the copy does
    /// not fit into the other state or takes longer than the limits' `load`; then nothing has been pushed.
    package static func copyPlain(from: LuaStack, at index: Int32, to: LuaStack, path: String) throws(LuaError) {
        _ = try copy(from: from, at: index, to: to, path: path, lenient: false)
    }

    /// As `copyPlain`, but what is not plain is left out; of an object with a metatable, only the metatable. Returns what
    /// that was ("agent.state.f is a function, agent.state.o has a metatable"), nil when it was nothing.
    package static func copyWhatIsPlain(
        from: LuaStack, at index: Int32, to: LuaStack, path: String
    ) throws(LuaError) -> String? {
        try copy(from: from, at: index, to: to, path: path, lenient: true)
    }

    private static func copy(
        from: LuaStack, at index: Int32, to: LuaStack, path: String, lenient: Bool
    ) throws(LuaError) -> String? {
        var message = lb_buffer()
        defer { lb_buffer_free(&message) }
        let budget = to.hostSide.limits.load.nanoseconds
        let step = lb_copy_plain(from.thread, index, to.thread, path, lenient, budget, &message)
        guard step == LB_RETURNED else {
            throw LuaError(kind: step == LB_FAILED_RUNTIME ? .json : LuaError.Kind(step), message: message.text)
        }
        return message.length == 0 ? nil : message.text
    }

    /// The error that a coroutine's failed step left on its stack.
    func failure(_ step: lb_step, on stack: LuaStack) -> LuaError {
        let message = stack.displayString(at: -1)
        stack.pop()
        let hint = step == LB_FAILED_RUNTIME ? RuntimeHint.text(for: message).map { " (\($0))" } ?? "" : ""
        return LuaError(
            kind: LuaError.Kind(step), message: message + hint,
            traceback: lb_traceback(openHost).map { String(cString: $0) })
    }
}

extension LuaError.Kind {
    init(_ step: lb_step) {
        switch step {
        case LB_FAILED_MEMORY: self = .memory
        case LB_FAILED_BUDGET: self = .budget
        default: self = .runtime
        }
    }
}
