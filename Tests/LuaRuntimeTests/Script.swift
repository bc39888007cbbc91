import LuaRuntime
import Testing

/// A state with one script in it, and the few host functions that the tests call.
final class Script {
    let state: LuaState
    /// What the script gave to `note`.
    var notes: [String] = []

    init(_ source: String = "", limits: LuaLimits = .init(), name: String = "test.lua") throws {
        state = try LuaState(limits: limits)
        define("note") { [unowned self] call in
            notes.append(call.stack.displayString(at: 1))
            return .results(0)
        }
        define("wait") { _ in .wait }
        define("call") { [unowned self] call throws(LuaFailure) in
            call.stack.pushValue(at: 1)
            let function = call.stack.reference()
            defer { call.stack.release(function) }
            do throws(LuaError) {
                try state.call(function)
                return .results(0)
            } catch {
                throw LuaFailure(error.message, position: false)
            }
        }
        define("decode") { call throws(LuaFailure) in
            do {
                let exact = call.argumentCount > 1 && call.stack.boolean(at: 2)
                try call.stack.withBytes(at: 1) { try call.stack.pushJSON($0, exact: exact) }
                return .results(1)
            } catch let error as JSONDecodingError {
                if let refusal = error.refusal { throw LuaFailure(refusal.message) }
                throw LuaFailure("\(error.message) at \(error.offset)", position: false)
            } catch {
                throw LuaFailure("\(error)", position: false)
            }
        }
        define("encode") { call throws(LuaFailure) in
            do {
                try call.stack.withJSON(at: 1, path: "value") { call.stack.push($0) }
                return .results(1)
            } catch let error as LuaError where error.kind != .json {
                throw LuaFailure(error.message)
            } catch {
                throw LuaFailure("\(error)", position: false)
            }
        }
        define("copy") { call throws(LuaFailure) in
            do throws(LuaError) {
                try LuaState.copyPlain(from: call.stack, at: 1, to: call.stack, path: "value")
                return .results(1)
            } catch {
                throw LuaFailure(error.message)
            }
        }
        define("array") { call in
            call.stack.setTop(1)
            call.stack.markArray(at: 1)
            return .results(1)
        }
        state.stack.pushNull()
        state.stack.setGlobal("null")
        if !source.isEmpty {
            try load(source, name: name)
        }
    }

    func define(_ name: String, _ body: @escaping LuaHostFunction) {
        state.stack.pushFunction(name, body)
        state.stack.setGlobal(name)
    }

    func load(_ source: String, name: String = "test.lua") throws {
        let chunk = try compile(source, name: name)
        defer { state.stack.release(chunk) }
        try state.call(chunk)
    }

    func compile(_ source: String, name: String = "test.lua") throws -> LuaReference {
        try Array(source.utf8).withUnsafeBytes { try state.compile($0, name: name) }
    }

    /// Starts a chunk of its own in a coroutine.
    func start(_ source: String) throws -> (LuaCoroutine, LuaCoroutine.Step) {
        let chunk = try compile(source)
        let coroutine = state.coroutine()
        coroutine.stack.push(chunk)
        state.stack.release(chunk)
        return (coroutine, coroutine.start(arguments: 0))
    }

    /// Runs a chunk to its end in a coroutine; its results as text. Throws its error.
    @discardableResult
    func run(_ source: String) throws -> [String] {
        let (coroutine, step) = try start(source)
        defer { coroutine.recycle() }
        return try results(of: step, coroutine)
    }

    func results(of step: LuaCoroutine.Step, _ coroutine: LuaCoroutine) throws -> [String] {
        switch step {
        case .returned(let count):
            let top = coroutine.stack.top
            let stack = coroutine.stack
            return (0..<count).map { offset in
                let index = top - count + 1 + offset
                return stack.withBytes(at: index) { String(decoding: $0, as: UTF8.self) }
                    ?? stack.displayString(at: index)
            }
        case .failed(let error):
            throw error
        case .waiting, .notWaiting:
            Issue.record("the script waits")
            return []
        }
    }

    /// The error of a chunk that must fail.
    func failure(_ source: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> LuaError {
        do {
            let results = try run(source)
            Issue.record("no error, but \(results)", sourceLocation: sourceLocation)
            return LuaError(kind: .runtime, message: "")
        } catch let error as LuaError {
            return error
        }
    }
}

extension LuaCoroutine.Step {
    var isWaiting: Bool {
        if case .waiting = self { true } else { false }
    }
}

extension LuaLimits {
    init(memory: Int = 256 << 20, slice: Duration = .milliseconds(500)) {
        self.init()
        self.memory = memory
        self.slice = slice
    }
}

/// How long something took, in milliseconds of CPU-bound wall time.
func milliseconds(_ body: () throws -> Void) rethrows -> Double {
    let time = try ContinuousClock().measure(body)
    return Double(time.components.seconds) * 1e3 + Double(time.components.attoseconds) / 1e15
}
