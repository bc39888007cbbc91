import AgentModel
import Testing

@Suite struct JSONObjectTests {
    @Test("members keep their order, a key set again keeps its place")
    func order() {
        var object: JSONObject = ["b": 1, "a": 2]
        object["c"] = 3
        object["b"] = 4
        #expect(object.keys == ["b", "a", "c"])
        #expect(object["b"] == 4)
        object["a"] = nil
        #expect(object.keys == ["b", "c"])
        object["a"] = 5
        #expect(object.keys == ["b", "c", "a"])
        object["gone"] = nil
        #expect(object.count == 3)
    }

    @Test("null is a value, absence is not")
    func null() {
        var object: JSONObject = ["a": nil]
        #expect(object["a"] == .some(.null))
        object["b"] = .null
        #expect(object.count == 2)
        #expect(object["c"] == nil)
    }

    @Test("a large object finds, replaces and removes as a small one does")
    func large() {
        var object = JSONObject()
        for number in 0..<2000 { object["key\(number)"] = .integer(Int64(number)) }
        #expect(object.count == 2000)
        #expect(object["key1999"] == 1999)
        object["key7"] = "seven"
        object["key3"] = nil
        #expect(object["key7"] == "seven")
        #expect(object["key3"] == nil)
        #expect(object["key1500"] == 1500)
        #expect(object.keys.first == "key0")
        #expect(object.count == 1999)
    }

    @Test("objects are equal whatever the order of their members")
    func equality() {
        #expect(["a": 1, "b": 2] as JSONObject == ["b": 2, "a": 1])
        #expect(["a": 1] as JSONObject != ["a": 1, "b": 2])
        #expect(["a": 1] as JSONObject != ["b": 1])
        #expect(["a": 1] as JSONObject != ["a": 2])
    }

    @Test("keys whose bytes differ are two, as they are to every JSON client")
    func bytewiseKeys() throws {
        let value = try JSONValue(parsing: "{\"\u{E9}\":1,\"e\u{301}\":2}")
        #expect(value.objectValue?.count == 2)
        var large = JSONObject((0..<100).map { ("key\($0)", .integer($0)) })
        large["\u{E9}"] = 1
        large["e\u{301}"] = 2
        #expect(large["\u{E9}"] == 1)
        #expect(large["e\u{301}"] == 2)
    }
}
