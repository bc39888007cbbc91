internal import CLuaBridge

/// What a function of a script reads of one of its arguments, a table.
package enum LuaReading: Equatable {
    /// It may look at all of it: it passes it on, keeps it, or goes through it.
    case anything
    /// It does not have the parameter.
    case nothing
    /// Fields by their names and nothing else: the first of the names asked for is 1, the second 2, the third 4, …
    /// `others`: names that were not asked for are among them.
    case fields(Int64, others: Bool)
}

extension LuaStack {
    /// What the function at the index reads of its parameter (from 0), as its code tells.
    package func reading(
        ofParameter parameter: Int32, byFunctionAt index: Int32, names: LuaNames
    ) -> LuaReading {
        let read = names.characters.withUnsafeBufferPointer {
            lb_fields_read(thread, index, parameter, $0.baseAddress, Int32($0.count))
        }
        switch read {
        case Int64(LB_READS_ANYTHING): return .anything
        case Int64(LB_READS_NOTHING): return .nothing
        default: return .fields(read & ~LB_READS_OTHERS, others: read & LB_READS_OTHERS != 0)
        }
    }
}
