import LuaRuntime
import Testing

@Suite struct SandboxTests {
    @Test(
        "what reaches outside is not there",
        arguments: [
            "io", "require", "dofile", "loadfile", "print", "warn",
        ])
    func absent(name: String) throws {
        #expect(try Script().run("return rawget(_G, '\(name)')") == ["nil"])
    }

    @Test("only harmless functions of os and string are left")
    func libraries() throws {
        let script = try Script()
        let names = """
            local names = {}
            for name in pairs(...) do names[#names + 1] = name end
            table.sort(names)
            return table.concat(names, ' ')
            """
        try script.load("function names(...) \(names) end")
        #expect(try script.run("return names(os)") == ["clock date difftime time"])
        #expect(
            try script.run("return names(string)") == [
                "byte char find format gmatch gsub len lower match pack packsize rep reverse sub unpack upper"
            ])
        #expect(
            try script.run("return names(coroutine)") == ["close create isyieldable resume running status wrap yield"])
        #expect(try script.run("return names(table)") == ["concat insert move pack remove sort unpack"])
        #expect(try script.run("return names(utf8)") == ["char charpattern codepoint codes len offset"])
        #expect(try script.run("return names(debug)") == ["getinfo traceback"])
        #expect(try script.run("return names(package)") == ["config cpath loaded path preload"])
        #expect(
            try script.run("return type(os.time()), type(os.date('*t').year), math.type(os.clock())") == [
                "number", "number", "float",
            ])
    }

    @Test("collectgarbage counts and collects; how the collector runs stays the host's to say")
    func collectgarbage() throws {
        let script = try Script()
        #expect(try script.run("return collectgarbage('count') > 10") == ["true"])
        #expect(
            try script.run(
                """
                local weak = setmetatable({}, { __mode = 'k' })
                for i = 1, 1000 do weak[{}] = i end
                return collectgarbage(), next(weak)
                """) == ["0", "nil"])
        #expect(
            try script.run(
                "return collectgarbage('stop'), collectgarbage('isrunning'), collectgarbage('generational'), collectgarbage('incremental', 100, 200, 10), collectgarbage('setpause', 50)"
            ) == ["0", "true", "incremental", "incremental", "200"])
        #expect(
            try script.run("for i = 1, 1e6 do if collectgarbage('step', 100) then return 'a cycle ended' end end")
                == ["a cycle ended"])
        #expect(try script.failure("collectgarbage('all')").message.hasPrefix("test.lua:1: bad argument #1"))
    }

    @Test("collecting a large heap again and again ends with the budget")
    func collectingIsCharged() throws {
        let script = try Script(limits: LuaLimits(slice: .milliseconds(100)))
        let error = try script.failure(
            "local t = {} for i = 1, 1e5 do t[i] = {} end while true do collectgarbage() end")
        #expect(error.kind == .budget)
    }

    @Test("debug tells where code is, and reaches nothing else")
    func debug() throws {
        let script = try Script(
            "local function f() return debug.getinfo(1), 1 end function g() local i = f() return i end")
        #expect(
            try script.run("local i = g() return i.short_src, i.source, i.currentline, i.linedefined, i.what, i.name")
                == ["test.lua", "@test.lua", "1", "1", "Lua", "f"])
        #expect(
            try script.run(
                "local i = debug.getinfo(g, 'Sfu') return i.linedefined, i.func, i.nups, i.currentline, debug.getinfo(99)"
            )
                == ["1", "nil", "nil", "nil", "nil"])
        #expect(try script.run("return debug.getinfo(note, 'S').what") == ["C"])
        #expect(
            try script.run("\nreturn (debug.traceback('why'))").first?.hasPrefix(
                "why\nstack traceback:\n\ttest.lua:2: in main chunk") == true)
        #expect(try script.run("return debug.traceback({}) ~= nil, type(debug.traceback({}))") == ["true", "table"])
        #expect(
            try script.run(
                "local co = coroutine.create(function() coroutine.yield() end) coroutine.resume(co) return (debug.traceback(co))"
            ).first?.contains("in function 'coroutine.yield'") == false)
        #expect(
            try script.run(
                "local function deep(n) if n == 0 then return (debug.traceback()) end return (deep(n - 1)) end return deep(100)"
            ).first?.contains("(skipping ") == true)
        #expect(
            try script.failure("debug.sethook()").message
                == "test.lua:1: there is no debug.sethook: an agent has debug.traceback and debug.getinfo")
        #expect(try script.failure("debug.getinfo(1, '>')").message.contains("invalid option"))
    }

    @Test("files below lib and lua_modules look for globals that may not be there")
    func othersFiles() throws {
        let script = try Script()
        for name in ["lib/a.lua", "lib/pl/a.lua", "lua_modules/share/lua/5.4/a.lua", "vendor/lib/a.lua"] {
            try script.load("answer = tostring(jit) .. tostring(debug.sethook)", name: name)
            #expect(try script.run("return answer") == ["nilnil"])
        }
        for name in ["liba.lua", "lib.lua", "mylib/a.lua", "lua_modules.lua"] {
            #expect(throws: LuaError.self) { try script.load("answer = jit", name: name) }
        }
        #expect(try script.run("return load('return jit')()") == ["nil"])
    }

    @Test("finalizers are refused, at once and later")
    func finalizers() throws {
        let script = try Script()
        #expect(
            try script.failure("setmetatable({}, { __gc = function() end })").message
                == "test.lua:1: '__gc' cannot be used in an agent")
        try script.run(
            """
            local meta = {}
            do local t = setmetatable({}, meta) end
            meta.__gc = function() note('collected') end
            rawset(meta, '__gc', function() note('collected') end)
            for i = 1, 1e5 do local t = {} end
            """)
        #expect(script.notes.isEmpty)
        #expect(
            try script.failure("local m = {} setmetatable({}, m) m.__gc = true setmetatable({}, m)").kind == .runtime)
    }

    @Test("a metatable that the host sets loses its finalizer")
    func hostMetatable() throws {
        let script = try Script()
        let stack = script.state.stack
        stack.newTable()
        try script.load("meta = { __gc = function() note('collected') end, __index = { x = 'shared' } }")
        stack.getGlobal("meta")
        stack.setMetatable(of: -2)
        stack.setGlobal("object")
        #expect(try script.run("return object.x, getmetatable(object).__gc") == ["shared", "nil"])
    }

    @Test("metatables that all share are protected")
    func protected() throws {
        let script = try Script()
        #expect(
            try script.run("return getmetatable(''), getmetatable(null), getmetatable(_G)") == [
                "false", "false", "false",
            ])
        #expect(try script.run("return getmetatable(decode('[]')), ('x'):upper()") == ["array", "X"])
        #expect(try script.failure("setmetatable(_G, {})").message == "test.lua:1: cannot change a protected metatable")
        #expect(
            try script.run("return getmetatable(setmetatable(decode('[1]'), { __name = 'list' })).__name") == ["list"])
    }

    @Test(
        "reading a global that is not there is an error",
        arguments: [
            ("return pritn", "undefined global 'pritn' (did you mean 'print'?)"),
            ("return tabel.concat", "undefined global 'tabel' (did you mean 'table'?)"),
            ("return Note", "undefined global 'Note' (did you mean 'note'?)"),
            ("return tostirng(1)", "undefined global 'tostirng' (did you mean 'tostring'?)"),
            ("return xyzzy", "undefined global 'xyzzy'"),
            ("time.sleep(1)", "undefined global 'time' (use os.time(), agenthost.now() and agenthost.sleep(seconds))"),
            (
                "error(HTTPException(404))",
                "undefined global 'HTTPException' (an answer of the handler's own is agenthost.answer(status, body, headers), returned or raised by error(…))"
            ),
            ("return q", "undefined global 'q'"),
            (
                "return io.open('x')",
                "undefined global 'io' (an agent reaches no files or processes: agenthost.file.read reads a file beside the script, agenthost.store keeps data, print logs)"
            ),
            (
                "os.execute 'ls'",
                "there is no os.execute: an agent reaches no files or processes: agenthost.http calls a service that does the work"
            ),
            (
                "return os.getenv 'HOME'",
                "there is no os.getenv: a script reads its own settings: config = { name = agenthost.setting { env = \"NAME\" } } makes agent.config.name"
            ),
            (
                "os.remove 'x'",
                "there is no os.remove: an agent reaches no files or processes: agenthost.store keeps data"
            ),
            ("os.exit(1)", "there is no os.exit: an agent cannot end its host; error(message) ends the handler"),
            ("return os.tiem()", "there is no os.tiem: an agent has os.time, os.date, os.clock and os.difftime"),
            ("return undefined", "undefined global 'undefined' (Lua writes nil; agenthost.null is the null of JSON)"),
            ("return None", "undefined global 'None' (Lua writes nil; agenthost.null is the null of JSON)"),
            ("return True", "undefined global 'True' (Lua writes true)"),
            ("for i in range(3) do end", "undefined global 'range' (use for i = 1, n do)"),
            (
                "return f'a {b}'",
                "undefined global 'f' (a text with values in it is string.format(\"%s\", value), or put together with ..)"
            ),
            ("local x = await g()", "undefined global 'await' (what waits looks synchronous: leave it out)"),
            (
                "ngx.say 'x'",
                "undefined global 'ngx' (an agent has agenthost.http, agenthost.json, agenthost.log, agenthost.sleep and agenthost.spawn)"
            ),
            ("return json.encode {}", "undefined global 'json' (use agenthost.json.encode and agenthost.json.decode)"),
            ("sleep(1)", "undefined global 'sleep' (use agenthost.sleep(seconds))"),
            ("emit {}", "undefined global 'emit' (it is a method of the agent: agent:emit { … })"),
            ("return unpack {}", "undefined global 'unpack' (use table.unpack)"),
        ])
    func undefined(source: String, message: String) throws {
        let script = try Script("print = note")
        #expect(try script.failure(source).message == "test.lua:1: " + message)
    }

    @Test("assigning makes a global, anywhere")
    func assigned() throws {
        let script = try Script("x = 1 function f() y = x + 1 end f()")
        #expect(try script.run("return x, y, rawget(_G, 'z')") == ["1", "2", "nil"])
        #expect(try script.run("z = nil return pcall(function() return z end)").first == "false")
    }

    @Test("load takes text only")
    func load() throws {
        let script = try Script()
        #expect(try script.run("return load('return 1 + 1')()") == ["2"])
        #expect(try script.run("return load('return x', 'chunk', 't', { x = 3 })()") == ["3"])
        #expect(
            try script.run(
                "local parts = { 'return ', '4' } local i = 0 return load(function() i = i + 1 return parts[i] end)()")
                == ["4"])
        #expect(try script.run("return load('\\27Lua')") == ["nil", "attempt to load a binary chunk (mode is 't')"])
        #expect(
            try script.run("return load('\\27Lua', 'x', 'b')") == ["nil", "attempt to load a text chunk (mode is 'b')"])
        #expect(try script.run("return load('x x', '=mine')") == ["nil", "mine:1: syntax error near 'x'"])
        #expect(try script.run("return string.dump") == ["nil"])
        #expect(try script.run("return #load('x = \"' .. ('y'):rep(20000) .. '\" return x')()") == ["20000"])
    }

    @Test("compiling refuses what is not text, and keeps line numbers")
    func compile() throws {
        let script = try Script()
        let error = try #require(throws: LuaError.self) { try script.compile("\u{1B}Lua", name: "bad.lua") }
        #expect(error.kind == .syntax)
        #expect(error.message == "bad.lua:1: is compiled Lua; the source is expected")
        let syntax = try #require(throws: LuaError.self) { try script.compile("local x =\n\n= 2", name: "health.lua") }
        #expect(syntax.message == "health.lua:3: unexpected symbol near '='")
        let shebang = try script.compile("\u{FEFF}#!/usr/bin/env agenthost\nerror 'here'", name: "health.lua")
        let raised = try #require(throws: LuaError.self) { try script.state.call(shebang) }
        #expect(raised.message == "health.lua:2: here")
        #expect(raised.traceback?.contains("health.lua:2: in main chunk") == true)
    }

    @Test("a traceback shows the script's frames only")
    func traceback() throws {
        let script = try Script(
            """
            local function inner() local x = nil; return x.y end
            function outer() inner() return 1 end
            function again() pcall(error) outer() return 1 end
            """)
        let error = try script.failure("again()\n")
        #expect(error.message == "test.lua:1: attempt to index a nil value (local 'x')")
        #expect(
            error.traceback == """
                stack traceback:
                \ttest.lua:1: in upvalue 'inner'
                \ttest.lua:2: in function 'outer'
                \ttest.lua:3: in function 'again'
                \ttest.lua:1: in main chunk
                """)
        #expect(try script.failure("call(outer)").message.hasPrefix("test.lua:1: attempt to index a nil value"))
        let deep = try script.failure(
            "local function f(n) if n == 0 then error('deep') end f(n - 1) return 1 end f(500)")
        #expect(deep.traceback?.contains("\n\t...\t(skipping ") == true)
    }

    @Test("any value can be an error")
    func errorValues() throws {
        let script = try Script()
        #expect(try script.failure("error({ code = 4 })").message == #"test.lua:1: {"code":4}"#)
        #expect(
            try script.failure("\nlocal function f() error { code = 4, why = 'x' } end f()").message
                == #"test.lua:2: {"code":4,"why":"x"}"#)
        #expect(
            try script.failure("error({ f = note })").message
                == #"test.lua:1: {"f":"<function>"}"#)
        #expect(
            try script.failure("local e = { 1, name = 'x' } e.self = e error(e)").message
                == #"test.lua:1: {"1":1,"name":"x","self":"<cycle>"}"#)
        #expect(
            try script.failure("error({ text = ('x'):rep(100000) })").message.hasSuffix("xxx… (100,023 bytes)"))
        #expect(try script.failure("error()").message == "test.lua:1: (error object is a nil value)")
        #expect(try script.failure("error(42)").message == "test.lua:1: 42")
        #expect(
            try script.failure("error(setmetatable({}, { __tostring = function() return 'told' end }))").message
                == "told")
        #expect(
            try script.failure("error(setmetatable({}, { __tostring = function() error 'no' end }))").message
                == "test.lua:1: {}")
        #expect(try script.failure("error('plain', 0)").message == "plain")
        #expect(try script.run("return select(2, pcall(error, { 1 }))[1]") == ["1"])
    }

    @Test("xpcall gives its handler the error")
    func xpcall() throws {
        let script = try Script()
        #expect(
            try script.run("return xpcall(function(a) error(a, 0) end, function(m) return m .. '!' end, 'x')") == [
                "false", "x!",
            ])
        #expect(
            try script.run("return xpcall(function(...) return select('#', ...), ... end, error, 1, 2)") == [
                "true", "2", "1", "2",
            ])
    }

    @Test("a host function's failure is an error at its caller")
    func failures() throws {
        let script = try Script()
        script.define("sleep") { call throws(LuaFailure) in
            throw LuaFailure.argument(1, call.name, "number expected, got \(call.stack.typeName(at: 1))")
        }
        script.define("where") { call in
            call.stack.push(call.stack.location(level: 1) ?? "nowhere")
            return .results(1)
        }
        #expect(
            try script.failure("\n\nsleep(null)").message
                == "test.lua:3: bad argument #1 to 'sleep' (number expected, got null)")
        #expect(
            try script.run("return pcall(sleep)") == [
                "false", "test.lua:1: bad argument #1 to 'sleep' (number expected, got no value)",
            ])
        #expect(try script.run("\nreturn where(), (where())") == ["test.lua:2", "test.lua:2"])
    }
}
