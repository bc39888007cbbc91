import AgentModel
import AgentScript
import LuaRuntime
import Testing

/// `agenthost.store`: what scripts ask for, and what they get.
@Suite struct StoreTests {
    /// What a call asks for.
    private func request(_ call: String) throws -> StoreRequest? {
        let script = try TestScript.probe("return agenthost.store.\(call)")
        let run = try script.task("probe")
        guard case .store(let request)? = script.host.waits.last else {
            _ = try run.results
            return nil
        }
        return request
    }

    /// What a handler returns once its request has been answered.
    private func answered(_ body: String, _ answers: Result<StoreAnswer, DeliveryFailure>...) throws -> [JSONValue] {
        let script = try TestScript.probe(body)
        let run = try script.task("probe")
        for answer in answers { try run.resume { try $0.push(store: answer) } }
        return try run.results
    }

    @Test(
        "values are kept as JSON, strings as their bytes",
        arguments: [
            ("set('k', { b = 1, a = { 2.0, 'x' } })", StoreValue.Kind.json, #"{"a":[2.0,"x"],"b":1}"#),
            ("set('k', 3)", .json, "3"), ("set('k', 3.0)", .json, "3.0"), ("set('k', true)", .json, "true"),
            ("set('k', agenthost.null)", .json, "null"), ("set('k', {})", .json, "{}"),
            ("set('k', agenthost.array {})", .json, "[]"), ("set('k', 'text')", .bytes, "text"),
            ("set('k', '')", .bytes, ""),
        ])
    func values(call: String, kind: StoreValue.Kind, text: String) throws {
        guard case .set(let key, let value)? = try request(call) else {
            Issue.record("no set")
            return
        }
        #expect(key == Array("k".utf8))
        #expect(value == StoreValue(kind: kind, bytes: Array(text.utf8)))
    }

    @Test("nil deletes, adding is by 1 unless a number is given, and no prefix is every key")
    func requests() throws {
        if case .delete(let key)? = try request("set('k', nil)") {
            #expect(key == [0x6B])
        } else {
            Issue.record("no delete")
        }
        if case .delete? = try request("delete('k')") {} else { Issue.record("no delete") }
        if case .add(_, let number)? = try request("add('k')") {
            #expect(number == .integer(1))
        } else {
            Issue.record("no add")
        }
        if case .add(_, let number)? = try request("add('k', -2.5)") {
            #expect(number == .real(-2.5))
        } else {
            Issue.record("no add")
        }
        if case .keys(let prefix)? = try request("keys()") { #expect(prefix == []) } else { Issue.record("no keys") }
        if case .get(let key)? = try request("get('\\0\\xff')") {
            #expect(key == [0, 0xFF])
        } else {
            Issue.record("no get")
        }
    }

    @Test("what was kept comes back as it was")
    func answers() throws {
        func json(_ text: String) -> Result<StoreAnswer, DeliveryFailure> {
            .success(.value(StoreValue(kind: .json, bytes: Array(text.utf8))))
        }
        #expect(try answered("return agenthost.store.get('k')", .success(.value(nil))) == [.null])
        #expect(
            try answered(
                "local v = agenthost.store.get('k') return math.type(v.i), math.type(v.f), v.n == agenthost.null, agenthost.json.encode(v.l)",
                json(#"{"f":2.0,"i":2,"l":[],"n":null}"#)) == ["integer", "float", true, "[]"])
        #expect(try answered("return agenthost.store.get('k') == agenthost.null", json("null")) == [true])
        #expect(
            try answered(
                "return agenthost.store.get('k') == '\\0\\xff'",
                .success(.value(StoreValue(kind: .bytes, bytes: [0, 0xFF])))) == [true])
        #expect(try answered("return agenthost.store.set('k', 1)", .success(.done)) == [true])
        #expect(
            try answered(
                "return agenthost.store.add('k'), agenthost.store.add('k')", .success(.number(.integer(7))),
                .success(.number(.real(0.5)))) == [7, 0.5])
        #expect(
            try answered("return agenthost.json.encode(agenthost.store.keys())", .success(.keys([]))) == ["[]"])
        #expect(try answered("return agenthost.store.keys('a')", .success(.keys([[0x61], [0x62]]))) == [["a", "b"]])
    }

    @Test("a disk that fails is nil and a message, and so is a value that is broken")
    func failures() throws {
        #expect(
            try answered("return agenthost.store.set('k', 1)", .failure(DeliveryFailure("disk full")))
                == [.null, "disk full"])
        let broken = try answered(
            "return agenthost.store.get('k')", .success(.value(StoreValue(kind: .json, bytes: Array("{".utf8)))))
        #expect(
            broken.first == .null && broken.last?.stringValue?.hasPrefix("the value in the store is broken") == true)
    }

    @Test(
        "misuse names the argument",
        arguments: [
            ("get()", "bad argument 'key' to 'get' (string expected, got nothing)"),
            ("get(1)", "bad argument 'key' to 'get' (string expected, got number)"),
            ("get('')", "bad argument 'key' to 'get' (1 to 1,024 bytes expected, got 0 bytes)"),
            ("set(('k'):rep(1025), 1)", "(1 to 1,024 bytes expected, got 1,025 bytes)"),
            ("set('k')", "bad argument 'value' to 'set' (a value, or nil to delete, expected, got nothing)"),
            ("set('k', print)", "value is a function, which JSON cannot hold"),
            ("set('k', { a = { b = print } })", "value.a.b is a function, which JSON cannot hold"),
            ("set('k', { a = '\\xff' })", "value.a is a string that is not UTF-8, which JSON cannot hold"),
            ("set('k', ('v'):rep(1048577))", "(at most 1,048,576 bytes expected, got 1,048,577 bytes)"),
            ("set('k', { ('v'):rep(1048576) })", "value[1] makes more than 1048576 bytes of JSON"),
            ("set('k', 0/0)", "value is not a number (nan), which JSON cannot hold"),
            ("add('k', '1')", "bad argument 'number' to 'add' (number expected, got string)"),
            ("add('k', 1/0)", "bad argument 'number' to 'add' (a finite number expected)"),
            ("put('k', 1)", "agenthost.store has no 'put'"),
            ("visits = 1", "keeps nothing that is assigned to it: agenthost.store.set(\"visits\", value)"),
            (
                "get = nil local f = agenthost.store.get",
                "agenthost.store has no 'get' any more: the script has set it to nil"
            ),
        ])
    func misuse(call: String, message: String) throws {
        let failure = try #require(try TestScript.failure("agenthost.store.\(call)"))
        #expect(failure.hasPrefix("agent.lua:3: ") && failure.contains(message), "\(failure)")
    }

    @Test("the store is not there while the script loads, nor where nothing can wait")
    func places() throws {
        #expect(
            try TestScript.loadFailure("agenthost.store.get('k')")
                == "agent.lua:1: agenthost.store.get cannot be called while the script loads; call it in agent:on_start or in a handler"
        )
        #expect(
            try TestScript.failure("table.sort({ 1, 2 }, function() agenthost.store.get('k') end)")?
                .contains("cannot wait") == true)
    }
}
