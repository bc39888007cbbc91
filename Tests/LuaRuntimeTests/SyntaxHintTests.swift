import LuaRuntime
import Testing

/// Behind the compiler's complaint stands what was probably meant.
@Suite struct SyntaxHintTests {
    private func message(_ source: String) throws -> String {
        let error = try #require(throws: LuaError.self) { try Script().compile(source) }
        #expect(error.kind == .syntax)
        return error.message
    }

    @Test(
        "signs and words of other languages are named with what Lua has for them",
        arguments: [
            ("if x != 2 then end", "'then' expected near '!' (Lua writes ~= for !=)"),
            ("if x !== 2 then end", "(Lua writes ~= for !==)"),
            ("local y = 1 <> 2", "unexpected symbol near '>' (Lua writes ~= for <>)"),
            ("if x === 2 then end", "(Lua writes == for ===)"),
            ("total += 2", "syntax error near '+' (Lua has no +=: total = total + …)"),
            ("a.b -= 2", "(Lua has no -=: a.b = a.b - …)"),
            ("text ..= 'x'", "(Lua has no ..=: text = text .. …)"),
            ("count++", "(Lua has no ++: count = count + 1)"),
            ("count--\nlocal x = 1", "(-- begins a comment; Lua has no --: count = count - 1)"),
            ("if a && b then end", "(Lua writes and for &&)"), ("if a || b then end", "(Lua writes or for ||)"),
            ("if !a then end", "(Lua writes not for !)"), ("local y = 2 ** 3", "(Lua writes ^ for **)"),
            ("local y = a ? 1 : 2", "(Lua writes c and a or b for c ? a : b)"),
            ("local f = (x) => { return x }", "(a function is written function(x) … end)"),
            (
                "@agent.task('x')\nfunction f() end",
                "(Lua has no decorators: give the function to the one that takes it)"
            ),
            ("let x = 1", "syntax error near 'x' (Lua writes local for let)"),
            ("const x = 1", "(Lua writes local for const)"),
            ("var x = 1", "(Lua writes local for var)"),
            ("x := 1", "(Lua writes local name = … for name := …)"),
            ("func f() end", "(a function is written function name(…) … end)"),
            ("import json", "(a module is loaded by local name = require \"name\")"),
            ("if a then\n b()\nelif c then\n d()\nend", "(Lua writes elseif … then for elif)"),
            ("f(async function() end)", "(what waits looks synchronous: leave async out)"),
            ("f(lambda task: 1)", "(a function is written function(x) return … end)"),
            ("return new Thing()", "(Lua has no new: call the function that makes the value)"),
            ("for i = 1, 3 do\n if i == 2 then continue end\nend", "(Lua has no continue: goto continue"),
            ("for i = 1, 3 do\n if i == 2 then\n  continue\n end\nend", "(Lua has no continue: goto continue"),
            ("class A\nend", "(Lua has no classes: a table holds functions)"),
            ("raise Error", "(an error is raised by error(\"…\"))"),
            ("if a then raise Error() end", "syntax error near 'Error' (an error is raised by error(\"…\"))"),
            ("if a then return 1 elif b then return 2 end", "(Lua writes elseif … then for elif)"),
            ("f(function() let x = 1 end)", "syntax error near 'x' (Lua writes local for let)"),
            ("local function f(x) return 1 if x else 2 end", "(Lua writes c and a or b for a if c else b)"),
            ("print 'a', 'b'", "(print is a function: print(…))"), ("print x", "(print is a function: print(…))"),
            ("# a comment", "unexpected symbol near '#' (a comment begins with -- in Lua)"),
            ("local x = 1 # one", "(a comment begins with -- in Lua)"),
            ("// a comment, don't mind", "(a comment begins with -- in Lua)"),
            ("/* a comment */", "(a comment begins with -- in Lua)"),
            ("local x = `a`", "(a string stands in \" or ', or in [[ and ]])"),
            ("local x = “a”", "(a typographic quotation mark stands there; Lua's are \" and ')"),
            ("local\u{A0}x = 1", "(an invisible character stands there; take it out)"),
            ("local größe = 1", "(names are of the letters a to z, digits and _ in Lua"),
        ] as [(String, String)])
    func signs(source: String, words: String) throws {
        let message = try message("\n" + source)
        #expect(message.contains(words), "\(message)")
        #expect(message.hasPrefix("test.lua:") && !message.contains("\n"))
    }

    @Test(
        "blocks, tables and calls that do not close are named with what is missing",
        arguments: [
            ("if x == 1\n y = 2\nend", "'then' expected near 'y' (an if is written if … then … end)"),
            ("if x = 1 then end", "'then' expected near '=' (= assigns; == compares)"),
            ("if x is None then end", "(Lua writes == for is, ~= for is not, nil for None)"),
            ("if x in y then end", "(in is for loops in Lua"),
            ("if x not in y then end", "(in is for loops in Lua"),
            ("while x\n f()\nend", "'do' expected near 'f' (a loop is written for … do … end, or while … do … end)"),
            ("while (true) {\n f()\n}", "(blocks have no braces in Lua"),
            ("if (x) {\n local y = 1\n}", "(blocks have no braces in Lua"),
            ("function f() {\n return 1\n}", "(blocks have no braces in Lua"),
            ("function f() { return 1; }", "(blocks have no braces in Lua"),
            ("while (true) { }", "(blocks have no braces in Lua"),
            ("local x\ntry:\n x()\nexcept:\n pass\n", "(a block has no colon in Lua"),
            ("if x:\n y = 1", "(a block has no colon in Lua"), ("else:\n y = 1", "(a block has no colon in Lua"),
            (
                "if a then\n b = 1\nelse if c then\n b = 2\nend\n",
                "(the else if of line 4 opens another if, with an end of its own: elseif is one word in Lua)"
            ),
            ("local function f()\n return 1\n", "(an end is missing: each function, if, for, while and do has one)"),
            ("if x then\n return 1\n return 2\nend", "(return is the last statement of its block)"),
            ("return 1\nlocal x = 1", "(return is the last statement of its block)"),
            ("f()\nend", "<eof> expected near 'end' (there is an end too many)"),
            ("f(function() return 1 end\ng()", "(the call around a function ends with \"end)\")"),
            ("local t = {\n a = 1\n b = 2 }", "(a comma, or the }, is missing before 'b')"),
            ("f(function()\n return 1\n end\nend)", "(a ) is missing, or there is an end too many)"),
            ("f(function(x)\n if x then\n  g()\n return 1\nend)\ng()", "near ')' (an end is missing: each function"),
            ("f(function() end))", "unexpected symbol near ')' (there is a ) too many)"),
            ("f 'x' function() end", "(a function without a name is a value: name = function(…) … end"),
            ("f(function task return 1 end)", "(a function's parameters stand in parentheses: function(x) … end)"),
            ("f('x', (task) return 1 end)", "(a function is written function(x) … end)"),
            ("f('x', fn=g)", "(arguments have no names in Lua: a table has, f { name = value })"),
            ("f('a' . 'b')", "(texts are put together with .. in Lua)"),
            ("local work-orders = 1", "(names have letters, digits and _ in Lua, and no -)"),
            ("local t.x = 1", "(local makes a variable; a field is set without it)"),
            ("local x == 1", "(= assigns; == compares)"), ("local { a, b } = t", "(Lua writes local a, b = t.a, t.b"),
            ("local l = t[1:2]", "(Lua has no slices: text:sub(first, last)"),
            ("local x = 1 if y else 2", "(Lua writes c and a or b for a if c else b)"),
            ("for i in 1..10 do end", "(a loop is written for i = 1, 10 do … end)"),
            ("for (i = 0; i < 10; i++) do end", "(a loop is written for i = 1, 10 do … end"),
            ("local x = \"\"\"abc\"\"\"", "(a text over several lines stands in [[ and ]] in Lua)"),
            ("assert x == 1", "(assert is a function: assert(…))"), ("del x", "(a value is taken away by name = nil)"),
            (
                "local function f() return g(1) {\n a = 1 }\n",
                "near <eof> (an end is missing: each function, if, for, while and do has one)"
            ),
            ("for _, x in ipairs {\n 1 } do\n", "(an end is missing: each function, if, for, while and do has one)"),
            ("local t = {\n a = 1\n", "near <eof> (a } is missing)"),
            ("local t = {\n a = 1,\n", "near <eof> (a } or a ) is missing)"),
            ("f('a' 'b')", "(a comma, or the ), is missing before ''b'')"),
            ("local t = [1, 2]", "unexpected symbol near '[' (a list is written { 1, 2 } in Lua, without brackets)"),
            ("local t = { \"a\": 1 }", "(a field is written name = value, or [\"name\"] = value, in Lua)"),
            ("local t = { \"a\" = 1 }", "(a field is written name = value, or [\"name\"] = value, in Lua)"),
            ("local t = { a: 1 }", "<name> expected near '1' (a field is written name = value in Lua)"),
            ("local t = {\n name: \"x\",\n}", "(a field is written name = value in Lua)"),
            ("local t = { a: b, c: d }", "(a field is written name = value in Lua)"),
            ("local t = { end = 1 }", "(end is a word of Lua's own: as a field it is [\"end\"])"),
            ("local x = t.end", "(end is a word of Lua's own: as a field it is [\"end\"])"),
            ("local x: number = 1", "(Lua has no types beside names: leave them out)"),
            ("local function f(x: string) end", "(Lua has no types beside names: leave them out)"),
            ("local x = 'abc", "(a string ends on its line; [[ and ]] span several)"),
            ("local x = '\\d'", "(a backslash is \\\\ in a string; Lua's patterns have %d where others have \\d)"),
            ("local x = 1_000", "(a number is digits alone"),
        ] as [(String, String)])
    func structure(source: String, words: String) throws {
        let message = try message("\n" + source)
        #expect(message.contains(words), "\(message)")
    }

    @Test(
        "a text of another language altogether is told as one",
        arguments: [
            ("from agenthost import Agent\n\n@agent.task('x')\nasync def handler(task):\n    return 1\n", "Python"),
            ("import json\nimport os\n\napp = FastAPI()\n", "Python"),
            ("# an agent\nclass A(RealtimeAgent):\n    def f(self):\n        return None\n", "Python"),
            ("import a from 'a';\nconst x = 1;\nfunction f() {\n  return x;\n}\n", "JavaScript"),
            ("{\n  \"name\": \"a\"\n}\n", "JSON"), ("apiVersion: core.oam.dev/v1beta1\nkind: Application\n", "YAML"),
        ])
    func language(source: String, name: String) throws {
        let message = try message(source)
        #expect(message.hasSuffix(" (the file is \(name); a Lua script is expected)"), "\(message)")
    }

    @Test(
        "what looks like another language's in strings and comments, or on other lines, is none of the mistake",
        arguments: [
            "local x = '!= && += [ def import'\nlocal y =",
            "-- let x = 1 != 2 &&\nlocal y =",
            "--[[ if (x) {\n]] local z = [[ a && b ]]\nlocal y =",
            "local from, new, class = 1, 2, 3\nlocal y =",
            "local t = { pass = 1, case = function() end }\nlocal y =",
        ])
    func none(source: String) throws {
        #expect(try message(source).hasSuffix("unexpected symbol near <eof>"))
    }

    @Test(
        "an error of a running script says what was meant where Lua does not",
        arguments: [
            (
                "for x in { 1, 2 } do end",
                "test.lua:1: attempt to call a table value (for iterator 'for iterator') (a loop over a table is written for _, item in ipairs(list) do, or for key, value in pairs(t) do)"
            ),
            (
                "return 'a' + 1",
                "test.lua:1: attempt to add a 'string' with a 'number' (texts are put together with ..)"
            ),
            ("return 'a' * 2", "test.lua:1: attempt to mul a 'string' with a 'number'"),
            (
                "local l = {} l.append(1)",
                "test.lua:1: attempt to call a nil value (field 'append') (use table.insert(list, value))"
            ),
            (
                "return ('a,b'):split(',')",
                "test.lua:1: attempt to call a nil value (method 'split') (use for part in text:gmatch(\"[^,]+\") do)"
            ),
            ("local t = {} t.paint()", "test.lua:1: attempt to call a nil value (field 'paint')"),
        ])
    func running(source: String, message: String) throws {
        #expect(try Script().failure(source).message == message)
    }

    @Test("a text that compiles is left alone, however much it looks like another language")
    func compiling() throws {
        let script = try Script()
        #expect(try script.run("local async = 1 local let = 2 return async // let") == ["0"])
    }
}
