internal import CLua
internal import CLuaBridge

extension LuaStack {
    /// Pushes the value of a JSON text: objects and arrays as tables, arrays marked, `null` as `agenthost.null`,
    /// integers of 64 bits as integers, other numbers as floats. A name that comes twice has its last value.
    ///
    /// Within a table a number whose text is not what `withJSON` would write for it (6.30, 1e2, more than 64 bits)
    /// keeps that text: it is written with it for as long as the field holds the same value. With `exact` a number
    /// that Lua cannot hold exactly becomes a string, and is written as a number all the same.
    ///
    /// The value counts against the script's memory and the time of the slice that runs, or of one of its own. Pushes
    /// nothing when it throws.
    package func pushJSON(_ bytes: UnsafeRawBufferPointer, exact: Bool = false) throws(JSONDecodingError) {
        var error = lb_json_error()
        let characters = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        let budget = hostSide.slice
        let step = lb_json_decode(thread, characters, bytes.count, exact, budget, &error)
        if step == LB_RETURNED { return }
        let message = withUnsafeBytes(of: error.message) { message in
            String(decoding: message.prefix { $0 != 0 }, as: UTF8.self)
        }
        switch step {
        case LB_FAILED_RUNTIME:
            throw JSONDecodingError(message: message, offset: error.offset, isUTF8Error: error.is_utf8_error)
        default: throw JSONDecodingError(refusal: LuaError(kind: LuaError.Kind(step), message: message))
        }
    }

    /// The value as JSON text: what is marked as an array or is 1 … n without holes as `[…]`, other tables as objects,
    /// their members in the order of the names' bytes. A string that is not UTF-8 is
    /// `{"encoding":"base64","base64":"…"}`. Throws a `LuaError` of kind `json` for anything that has no
    /// JSON, its message naming the culprit below `path`, and of kind `budget` when it takes longer than the slice that
    /// runs, or one of its own, may.
    package func withJSON<R>(
        at index: Int32, path: String, _ body: (UnsafeRawBufferPointer) throws -> R
    ) throws -> R {
        let side = hostSide
        var buffer = side.spareBuffer.take()
        defer { side.spareBuffer.giveBack(buffer) }
        // Not as an argument, for which the text would be copied into memory of its own.
        let step = path.withCString {
            lb_json_encode(thread, index, $0, side.limits.jsonOutput, side.slice, &buffer)
        }
        guard step == LB_RETURNED else {
            throw LuaError(kind: step == LB_FAILED_RUNTIME ? .json : LuaError.Kind(step), message: buffer.text)
        }
        return try body(UnsafeRawBufferPointer(start: buffer.bytes, count: buffer.length))
    }

    /// As `withJSON`, into a buffer of the state that has the JSON until the value returned is gone.
    package func json(at index: Int32, path: StaticString) throws(LuaError) -> WrittenJSON {
        let side = hostSide
        var buffer = side.spareBuffer.take()
        let step = lb_json_encode(thread, index, path.characters, side.limits.jsonOutput, side.slice, &buffer)
        let written = WrittenJSON(in: buffer, of: side.spareBuffer)
        guard step == LB_RETURNED else {
            throw LuaError(kind: step == LB_FAILED_RUNTIME ? .json : LuaError.Kind(step), message: buffer.text)
        }
        return written
    }

    /// As `withJSON`, of at most `limit` bytes, for JSON from which `pushJSON` makes the same value again: of kind `json`
    /// is also the error for a string that is not UTF-8.
    package func withKeptJSON<R>(
        at index: Int32, path: String, limit: Int, _ body: (UnsafeRawBufferPointer) throws -> R
    ) throws -> R {
        let side = hostSide
        var buffer = side.spareBuffer.take()
        defer { side.spareBuffer.giveBack(buffer) }
        let step = lb_json_keep(thread, index, path, limit, side.slice, &buffer)
        guard step == LB_RETURNED else {
            throw LuaError(kind: step == LB_FAILED_RUNTIME ? .json : LuaError.Kind(step), message: buffer.text)
        }
        return try body(UnsafeRawBufferPointer(start: buffer.bytes, count: buffer.length))
    }

    /// A value as JSON for people, cut where it is longer than `LuaText.longest`. What JSON cannot hold is a text in angle
    /// brackets, as "<function health.lua:12>" and "<cycle>"; a table with keys of several kinds is an object. nil when
    /// it takes longer than the slice that runs may.
    package func shownJSON(at index: Int32) -> String? {
        let side = hostSide
        var buffer = side.spareBuffer.take()
        defer { side.spareBuffer.giveBack(buffer) }
        let step = lb_json_show(thread, index, side.limits.jsonOutput, side.slice, &buffer)
        return step == LB_RETURNED
            ? LuaText.cut(UnsafeRawBufferPointer(start: buffer.bytes, count: buffer.length)) : nil
    }

    /// Throws as `withJSON` does for a value that has no JSON, and makes none.
    package func checkJSON(at index: Int32, path: String) throws(LuaError) {
        let side = hostSide
        var buffer = side.spareBuffer.take()
        defer { side.spareBuffer.giveBack(buffer) }
        let step = lb_json_check(thread, index, path, side.limits.jsonOutput, side.slice, &buffer)
        guard step == LB_RETURNED else {
            throw LuaError(kind: step == LB_FAILED_RUNTIME ? .json : LuaError.Kind(step), message: buffer.text)
        }
    }
}

/// A JSON text in a buffer of a Lua state, which gets it back.
package struct WrittenJSON: ~Copyable {
    private let buffer: lb_buffer
    private let spare: SpareBuffer

    init(in buffer: lb_buffer, of spare: SpareBuffer) {
        self.buffer = buffer
        self.spare = spare
    }

    deinit { spare.giveBack(buffer) }

    /// Valid for as long as this is there.
    package var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: buffer.bytes, count: buffer.length)
    }
}

extension lb_buffer {
    var text: String {
        String(decoding: UnsafeRawBufferPointer(start: bytes, count: length), as: UTF8.self)
    }
}
