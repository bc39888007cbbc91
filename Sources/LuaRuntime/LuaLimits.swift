/// What a script may use. Agents cannot see or change these.
package struct LuaLimits: Sendable {
    /// Memory of one state, in bytes. Only scripts are refused: what host code allocates is counted, never refused.
    package var memory = 256 << 20
    /// CPU time of one slice: from the start of a handler, or from the end of a wait, to the next wait or the end.
    package var slice: Duration = .milliseconds(500)
    /// CPU time of a script's main chunk, and of any other call that is not a handler's.
    package var load: Duration = .seconds(5)
    /// Bytes of one JSON text that a table is turned into. A table that shares parts of itself can make far more text
    /// than it takes memory.
    package var jsonOutput = 64 << 20

    package init() {}
}

extension Duration {
    /// Whole nanoseconds, at most what 64 bits hold.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : whole.addingReportingOverflow(attoseconds / 1_000_000_000).partialValue
    }
}
