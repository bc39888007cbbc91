internal import CLua
internal import CLuaBridge

extension LuaStack {
    /// Pushes the value of a JSON text: objects and arrays as tables, arrays marked, `null` as `agenthost.null`,
    /// integers of 64 bits as integers, larger ones as floats. A name that comes twice has its last value.
    /// Pushes nothing when it throws.
    package func pushJSON(_ bytes: UnsafeRawBufferPointer) throws(JSONDecodingError) {
        var error = lb_json_error()
        let characters = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        guard lb_json_decode(thread, characters, bytes.count, &error) else {
            let message = withUnsafeBytes(of: error.message) { message in
                String(decoding: message.prefix { $0 != 0 }, as: UTF8.self)
            }
            throw JSONDecodingError(message: message, offset: error.offset)
        }
    }

    /// The value as JSON text: what is marked as an array or is 1 … n without holes as `[…]`, other tables as objects.
    /// Throws a `LuaError` of kind `json` for anything that has no JSON; its message names the culprit below `path`.
    package func withJSON<R>(
        at index: Int32, path: String, _ body: (UnsafeRawBufferPointer) throws -> R
    ) throws -> R {
        let state = self.state
        var buffer = state.takeBuffer()
        defer { state.giveBack(buffer) }
        guard lb_json_encode(thread, index, path, state.limits.jsonOutput, &buffer) else {
            throw LuaError(kind: .json, message: buffer.text)
        }
        return try body(UnsafeRawBufferPointer(start: buffer.bytes, count: buffer.length))
    }

    var state: LuaState {
        // lb_open was given the state, and lb_close ends the host before the state is gone.
        Unmanaged<LuaState>.fromOpaque(lb_owner(lb_host_of(thread))).takeUnretainedValue()
    }
}

extension lb_buffer {
    var text: String {
        String(decoding: UnsafeRawBufferPointer(start: bytes, count: length), as: UTF8.self)
    }
}
