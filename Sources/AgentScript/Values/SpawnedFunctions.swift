package import LuaRuntime

/// The functions that a script has spawned: those that have not ended, or whose end somebody is still to be told of.
package final class SpawnedFunctions {
    /// `__index` of the handles.
    var index: LuaReference?
    private let state: LuaState
    private var functions: [Int: SpawnedFunction] = [:]
    private var begun = 0

    init(in state: LuaState) {
        self.state = state
    }

    /// Whether there are none.
    package var isEmpty: Bool { functions.isEmpty }

    subscript(identifier: Int) -> SpawnedFunction? { functions[identifier] }

    /// The Lua state is about to be closed.
    func close() {
        functions = [:]
    }

    /// Pushes a new handle.
    func pushHandle(on stack: LuaStack) -> SpawnedFunction {
        stack.newTable()
        stack.newTable(array: 0, fields: 3)
        if let index { stack.push(index) }
        stack.setField("__index", of: -2)
        stack.push(false)
        stack.setField("__metatable", of: -2)
        begun += 1
        stack.push(begun)
        stack.setField("spawned", of: -2)
        stack.pushValue(at: -1)
        let spawned = SpawnedFunction(identifier: begun, metatable: stack.reference())
        stack.setMetatable(of: -2)
        functions[begun] = spawned
        return spawned
    }

    /// The function has returned the topmost values of the stack, which stay there.
    package func keepResults(_ count: Int32, of spawned: SpawnedFunction, on stack: LuaStack) {
        let first = stack.top - count + 1
        stack.push(spawned.metatable)
        for position in 0..<count {
            stack.pushValue(at: first + position)
            stack.setIndex(Int(position) + 1, of: -2)
        }
        stack.push(Int64(count))
        stack.setField("n", of: -2)
        stack.pop()
        spawned.hasEnded = true
    }

    /// `raised` has a value on top that was raised and is kept (`LuaState.keepErrors`), in the place of the message.
    package func keepFailure(_ message: String, raised: LuaStack?, of spawned: SpawnedFunction) {
        let stack = raised ?? state.stack
        stack.push(spawned.metatable)
        if raised == nil { stack.push(message) } else { stack.pushValue(at: -2) }
        stack.setField("message", of: -2)
        stack.pop()
        spawned.hasEnded = true
    }

    /// Nobody waits any more for what has ended; from now on only its handle, if there still is one, knows of it.
    package func forget(_ spawned: SpawnedFunction) {
        guard functions.removeValue(forKey: spawned.identifier) != nil else { return }
        state.stack.release(spawned.metatable)
    }

    /// Pushes what `handle:wait()` returns for a function that has ended.
    package func pushOutcome(of spawned: SpawnedFunction, on stack: LuaStack) throws(LuaError) -> Int32 {
        stack.push(spawned.metatable)
        guard let count = pushOutcome(ofMetatableAt: stack.top, on: stack) else {
            throw LuaError(kind: .runtime, message: "stack overflow (too many results)")
        }
        return count
    }

    /// Pushes what the metatable at the index keeps, and takes the metatable, the topmost value, away. nil where there is
    /// no room for it.
    func pushOutcome(ofMetatableAt index: Int32, on stack: LuaStack) -> Int32? {
        if stack.getField("message", of: index) != .nil {
            stack.pushNil()
            stack.insert(at: -2)
            stack.remove(at: index)
            return 2
        }
        stack.pop()
        _ = stack.getField("n", of: index)
        // What is in a metatable is what its maker says: a script may have made one of its own.
        let count = Int32(clamping: min(max(stack.integer(at: -1) ?? 0, 0), 1_000_000))
        stack.pop()
        guard stack.ensure(count + LuaCall.room) else { return nil }
        for position in 0..<count { _ = stack.getIndex(Int(position) + 1, of: index) }
        stack.remove(at: index)
        return count
    }
}
