internal import CLuaBridge

/// Fields of a table that is being made: it is on top of the stack and has no metatable.
extension LuaStack {
    package func put(_ name: StaticString, _ value: Int64) {
        lb_put_integer(thread, name.characters, value)
    }

    package func put(_ name: StaticString, _ value: Int) {
        lb_put_integer(thread, name.characters, Int64(value))
    }

    package func put(_ name: StaticString, _ value: Bool) {
        lb_put_boolean(thread, name.characters, value)
    }

    package func put(_ name: StaticString, _ value: String) {
        var value = value
        value.withUTF8 { put(name, UnsafeRawBufferPointer($0)) }
    }

    /// Bytes as a Lua string, UTF-8 or not.
    package func put(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
        lb_put_bytes(thread, name.characters, value.baseAddress?.assumingMemoryBound(to: CChar.self), value.count)
    }

    /// The value lies above the table, and is popped.
    package func putValue(_ name: StaticString) {
        lb_put_value(thread, name.characters)
    }

    /// The field of the table at the index, if it is a string. False: it is not, and nothing has happened.
    package func putString(_ name: StaticString, from index: Int32) -> Bool {
        lb_move_field(thread, index, name.characters, LB_STRING)
    }

    /// The field of the table at the index, if it is a table of named fields. False: it is not, and nothing has happened.
    package func putFields(_ name: StaticString, from index: Int32) -> Bool {
        lb_move_field(thread, index, name.characters, LB_FIELDS)
    }
}

extension StaticString {
    /// As C has it: a literal ends with a NUL.
    var characters: UnsafePointer<CChar> {
        UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self)
    }
}
