import LuaRuntime
import Testing

@Suite struct StackTests {
    @Test("values go in and come out")
    func values() throws {
        let state = try LuaState()
        defer { state.close() }
        let stack = state.stack
        stack.pushNil()
        stack.pushNull()
        stack.push(true)
        stack.push(7)
        stack.push(2.5)
        stack.push("text")
        stack.push("static" as StaticString)
        stack.newTable()
        stack.pushFunction("f") { _ in .results(0) }
        #expect(
            (1...10).map { stack.type(at: $0) } == [
                .nil, .null, .boolean, .integer, .number, .string, .string, .table, .function, .none,
            ])
        #expect(
            (1...10).map { stack.typeName(at: $0) } == [
                "nil", "null", "boolean", "number", "number", "string", "string", "table", "function", "no value",
            ])
        #expect(
            stack.integer(at: 4) == 7 && stack.number(at: 4) == 7 && stack.number(at: 5) == 2.5
                && stack.integer(at: 5) == nil)
        #expect(stack.integer(at: 6) == nil && stack.number(at: 6) == nil && stack.string(at: 4) == nil)
        #expect(stack.string(at: 6) == "text" && stack.withBytes(at: 7) { $0.count } == 6)
        #expect(stack.boolean(at: 2) && !stack.boolean(at: 1))
        #expect(
            stack.displayString(at: 2) == "null" && stack.displayString(at: 5) == "2.5"
                && stack.displayString(at: 1) == "nil")
        stack.push(3.0)
        #expect(stack.integer(at: -1) == 3 && stack.displayString(at: -1) == "3.0")
    }

    @Test("strings that are not UTF-8 are repaired")
    func repaired() throws {
        let state = try LuaState()
        defer { state.close() }
        let stack = state.stack
        [UInt8]([0x61, 0xFF]).withUnsafeBytes { stack.push($0) }
        #expect(stack.string(at: -1) == "a\u{FFFD}")
        #expect(!stack.isValidUTF8(at: -1))
        stack.push("é")
        #expect(stack.isValidUTF8(at: -1))
        stack.push("")
        #expect(stack.string(at: -1) == "")
    }

    @Test("tables")
    func tables() throws {
        let state = try LuaState()
        defer { state.close() }
        let stack = state.stack
        stack.newTable(array: 2, fields: 2)
        stack.push(1)
        stack.setField("static", of: 1)
        stack.push(2)
        stack.setField("dyn" + "amic", of: -2)
        stack.push("x")
        stack.setIndex(1, of: 1)
        #expect(stack.getField("static", of: 1) == .integer && stack.getField("dyn" + "amic", of: 1) == .integer)
        #expect(
            stack.getIndex(1, of: 1) == .string && stack.length(of: 1) == 1 && stack.getField("none", of: 1) == .nil)
        stack.setTop(1)
        stack.push(Double.nan)
        stack.push(1)
        stack.rawSet(of: 1)
        stack.pushNil()
        stack.push(1)
        stack.rawSet(of: 1)
        #expect(stack.top == 1)
        var keys = 0
        stack.pushNil()
        while stack.next(of: 1) {
            keys += 1
            stack.pop()
        }
        #expect(keys == 3 && stack.top == 1)
        stack.push("k")
        stack.push("v")
        stack.rawSet(of: 1)
        stack.push("k")
        #expect(stack.rawGet(of: 1) == .string && stack.string(at: -1) == "v")
        stack.pop()
        #expect(!stack.isArray(at: 1))
        stack.markArray(at: 1)
        #expect(stack.isArray(at: 1) && stack.getMetatable(of: 1))
    }

    @Test("references hold values")
    func references() throws {
        let state = try LuaState()
        defer { state.close() }
        let stack = state.stack
        stack.push("kept")
        let reference = stack.reference()
        #expect(stack.top == 0)
        stack.push(reference)
        #expect(stack.string(at: -1) == "kept")
        stack.release(reference)
        stack.pushNil()
        let none = stack.reference()
        stack.push(none)
        #expect(stack.type(at: -1) == .nil)
    }

    @Test("order on the stack")
    func order() throws {
        let state = try LuaState()
        defer { state.close() }
        let stack = state.stack
        for i in 1...4 { stack.push(i) }
        stack.insert(at: 1)
        stack.remove(at: 2)
        stack.pushValue(at: 1)
        stack.replace(at: 2)
        #expect((1...stack.top).map { stack.integer(at: $0) } == [4, 4, 3])
        #expect(stack.rawEqual(1, 2) && !stack.rawEqual(1, 3) && stack.absolute(-1) == 3 && stack.ensure(1000))
        #expect(!stack.ensure(2_000_000))
    }

    @Test(
        "a host function called where the stack is nearly full is an error with the line, or does its work",
        arguments: [
            "decode(nested)", "encode({ { { 1 } } })", "array({})", "note(1)", "call(function() end)", "wait()",
        ])
    func fullStack(call: String) throws {
        let script = try Script("nested = ('['):rep(120) .. (']'):rep(120)")
        for values in [999_700, 999_900, 999_940, 999_960, 999_975] {
            var (coroutine, step) = try script.start(
                """
                local t = {}
                local function f(...)
                    local ok, message = pcall(function() return \(call) end)
                    assert(ok or message:find('^test.lua:3: stack overflow'), message)
                    return 'done'
                end
                local ok, message = pcall(f, table.unpack(t, 1, \(values)))
                return ok and message or (message:match('stack overflow') or message:match('too many results'))
                """)
            if step.isWaiting {
                for value in 1...30 { coroutine.stack.push(value) }
                step = coroutine.resume(results: 30)
            }
            if case .failed(let error) = step {
                // There was no room even for the call of pcall.
                #expect(error.message.hasPrefix("test.lua:7: stack overflow"), "\(values)")
            } else {
                let result = try script.results(of: step, coroutine).first
                #expect(["done", "stack overflow", "too many results"].contains(result), "\(values)")
            }
            coroutine.recycle()
        }
    }

    @Test("more results than the stack has room above are an error, not memory that is not there")
    func manyResults() throws {
        let script = try Script()
        let error = try script.failure("return table.unpack({}, 1, 999980)")
        #expect(error.message.contains("stack overflow") || error.message.contains("too many results"))
        #expect(try script.run("return select('#', table.unpack({}, 1, 900000))") == ["900000"])
        let (coroutine, step) = try script.start("return table.unpack({}, 1, 900000)")
        guard case .returned(900_000) = step else {
            Issue.record("\(step)")
            return
        }
        coroutine.stack.push("there is room above")
        coroutine.recycle()
        let stack = script.state.stack
        #expect(stack.ensure(999_000))
        for _ in 0..<999_000 { stack.pushNil() }
        let other = script.state.coroutine()
        #expect(other.stack.ensure(5000))
        for _ in 0..<5000 { other.stack.pushNil() }
        #expect(!other.stack.moveTop(5000, to: stack) && other.stack.top == 5000 && stack.top == 999_000)
        stack.setTop(0)
        other.recycle()
    }

    @Test("a call returns as many results as asked for")
    func results() throws {
        let script = try Script()
        let function = try script.compile("return ...")
        let stack = script.state.stack
        for (asked, expected) in [(0, 0), (1, 1), (3, 3), (5, 5), (-1, 3)] {
            let count = try script.state.call(
                function,
                arguments: {
                    $0.push(1)
                    $0.push(2)
                    $0.push(3)
                    return 3
                }, results: Int32(asked))
            #expect(count == expected && stack.top == expected)
            if expected > 0 { #expect(stack.integer(at: 1) == 1) }
            if asked == 5 { #expect(stack.type(at: 5) == .nil) }
            stack.setTop(0)
        }
        #expect(throws: LuaError.self) { try script.state.call(script.compile("error 'x'")) }
        #expect(stack.top == 0)
    }
}
