import LuaRuntime

extension LuaCall {
    /// Calls `body` with one piece of long bytes after another, and charges each before: `nanoseconds` is about what the
    /// work takes a byte. The pieces but the last have a length that is a multiple of 3.
    func inPieces(
        _ bytes: UnsafeRawBufferPointer, nanoseconds: Int, _ body: (UnsafeRawBufferPointer) throws(LuaFailure) -> Void
    ) throws(LuaFailure) {
        let length = 48 << 10
        var rest = bytes[...]
        repeat {
            let piece = rest.prefix(length)
            rest = rest.dropFirst(length)
            try charge(10 + piece.count * nanoseconds / 10)
            try body(UnsafeRawBufferPointer(rebasing: piece))
        } while !rest.isEmpty
    }

    /// What a function returns for a failure that can be expected.
    func expected(_ message: String) -> LuaOutcome {
        stack.pushNil()
        stack.push(message)
        return .results(2)
    }
}
