import LuaRuntime
import Testing

/// Keys chosen so that all of them lie at one place of a table's next hash part.
@Suite struct CollisionTests {
    static let attacks: [String: String] = [
        "multiples of the next size less one":
            "local s = (1 << 18) - 1 for i = 1, (1 << 17) + 2 do t[i * s] = true end",
        "a smaller table, in less time than a hook's interval shows":
            "local s = (1 << 16) - 1 for i = 1, (1 << 15) + 2 do t[i * s] = true end",
        "negative keys": "local s = (1 << 17) - 1 for i = 1, (1 << 16) + 2 do t[-i * s] = true end",
        "floats": "local s = (1 << 17) - 1 for i = 1, (1 << 16) + 2 do t[1 + i * 2.0 ^ -48] = true end",
        "half of the keys": """
        local s = (1 << 18) - 1
        for i = 1, 1 << 16 do t[i * s] = true t['k' .. i] = true end
        t.one = true t.two = true
        """,
        "rawset": "local s = (1 << 17) - 1 for i = 1, (1 << 16) + 2 do rawset(t, i * s, true) end",
        "caught again and again": """
        local s = (1 << 17) - 1
        for i = 1, (1 << 16) + 2 do pcall(rawset, t, i * s, true) end
        while true do pcall(rawset, t, 'x', true) end
        """,
        "what a table held before": """
        for i = 1, 1 << 17 do t['k' .. i] = true end
        for k in pairs(t) do t[k] = nil end
        local s = (1 << 16) - 1 for i = 1, (1 << 15) + 2 do t[i * s] = true end
        -- They fill places that others have left: the first that finds none makes the table anew, and smaller.
        for i = 1, 1 << 17 do t['l' .. i] = true end
        """,
    ]

    /// The floats collide at every size, so that each instruction takes longer than the one before; and what goes on
    /// after the first such error has the budget's own at its end.
    static let stoppedByTheHook: Set = ["floats", "caught again and again"]

    @Test("a table whose keys collide does not grow for longer than the budget", arguments: attacks.keys.sorted())
    func attack(name: String) throws {
        let source = try #require(CollisionTests.attacks[name])
        let limit: Double = 300 + 50 + 100
        let time = try leastMilliseconds(below: limit) {
            let script = try Script("t = {}", limits: LuaLimits(slice: .milliseconds(300)))
            let error = try script.failure(source)
            #expect(error.kind == .budget, "\(error.message)")
            #expect(error.message.hasPrefix("test.lua:"))
            if !CollisionTests.stoppedByTheHook.contains(name) {
                #expect(error.message.contains("the keys of a table collide"))
            }
            #expect(try script.run("t = nil return 1") == ["1"], "the state serves on")
        }
        #expect(time < limit, "took \(time) ms")
    }

    @Test("the error says what is the matter, and where")
    func message() throws {
        let script = try Script()
        let error = try script.failure(
            "local t, s = {}, (1 << 18) - 1\n\nfor i = 1, (1 << 17) + 2 do t[i * s] = true end")
        #expect(
            error.message
                == "test.lua:3: the keys of a table collide: to grow it would take more of 500 ms of CPU time than is left"
        )
    }

    static let honest: [String: String] = [
        "ids": "for i = 1, 300000 do t[i * 1000003] = true end",
        "minutes": "for i = 1, 300000 do t[1700000000 + i * 60] = true end",
        "minutes in milliseconds": "for i = 1, 300000 do t[1700000000000 + i * 60000] = true end",
        "powers and sums": "for i = 0, 61 do for j = 1, 2000 do t[(1 << i) + j * 7919] = true end end",
        "random integers": "for i = 1, 200000 do t[math.random(0)] = true end",
        "fractions": "for i = 1, 200000 do t[i / 3] = true end",
        "names": "for i = 1, 200000 do t['device-' .. i] = true end",
        "tables": "for i = 1, 100000 do t[{}] = true end",
        "a list filled backwards": "for i = 200000, 1, -1 do t[i] = true end",
        "few that collide": "local s = (1 << 13) - 1 for i = 1, (1 << 12) + 2 do t[i * s] = true end",
    ]

    @Test("tables with honest keys grow", arguments: honest.keys.sorted())
    func honestKeys(name: String) throws {
        let script = try Script("t = {}", limits: LuaLimits(slice: .seconds(2)))
        try script.run(try #require(CollisionTests.honest[name]))
        #expect(try script.run("return next(t) ~= nil") == ["true"])
    }
}
