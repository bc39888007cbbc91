internal import CLuaBridge

/// Names of fields that the host looks for, at most 62; the first stands for 1, the second for 2, the third for 4, …
package struct LuaNames {
    /// As C has them: literals of the program.
    let characters: [UnsafePointer<CChar>?]
    package let texts: [String]

    package init(_ names: [StaticString]) {
        characters = names.map(\.characters)
        texts = names.map { "\($0)" }
    }
}

extension LuaStack {
    /// Pushes the values of the fields of these names, nil for those that the table at the index has not; answers which it
    /// has. nil, and nothing pushed, when there are others among them.
    package func pushFields(of index: Int32, among names: LuaNames) -> Int64? {
        let fields = names.characters.withUnsafeBufferPointer {
            lb_push_fields(thread, index, $0.baseAddress, Int32($0.count))
        }
        return fields == Int64(LB_OTHER_FIELDS) ? nil : fields
    }
}
