import AgentModel
import Testing

@Suite struct NameSuggestionTests {
    private static let fields = ["name", "description", "endpoints", "kafka", "mqtt", "on_message", "config", "id"]

    @Test(
        "a slip of the pen is recognized",
        arguments: [
            ("nmae", "name"), ("Name", "name"), ("names", "name"), ("desciption", "description"),
            ("endpoint", "endpoints"),
            ("kafak", "kafka"), ("mqt", "mqtt"), ("onmessage", "on_message"), ("on-message", "on_message"),
            ("confg", "config"), ("decsriptoin", "description"), ("ids", "id"),
        ])
    func near(name: String, expected: String) {
        #expect(NameSuggestion.nearest(name, among: Self.fields) == expected)
    }

    @Test(
        "nothing is suggested for what resembles no name", arguments: ["", "x", "port", "version", "zz", "abcdefghij"])
    func far(name: String) {
        #expect(NameSuggestion.nearest(name, among: Self.fields) == nil)
    }

    @Test("the nearest wins, and of equally near ones the first")
    func choice() {
        #expect(NameSuggestion.nearest("subscribed", among: ["subscriber", "subscribe"]) == "subscriber")
        #expect(NameSuggestion.nearest("publishe", among: ["published!", "publish"]) == "publish")
        #expect(NameSuggestion.nearest("anything", among: []) == nil)
        #expect(NameSuggestion.nearest("a", among: ["b", ""]) == nil)
    }

    @Test("a name that nobody has written by hand is near to none")
    func longest() {
        #expect(NameSuggestion.nearest("serivce_name", among: ["service_name", "port"]) == "service_name")
        #expect(NameSuggestion.nearest("xyz", among: ["service_name", "log_level"]) == nil)
        #expect(NameSuggestion.nearest(String(repeating: "a", count: 10_000), among: ["port"]) == nil)
        let longest = String(repeating: "ab", count: 32)
        #expect(NameSuggestion.nearest(longest, among: [longest + "c"]) == longest + "c")
        #expect(NameSuggestion.nearest(longest + "c", among: [longest]) == nil)
        #expect(NameSuggestion.nearest("name", among: [String(repeating: "n", count: 10_000), "nam"]) == "nam")
    }

    @Test("the words of a hint")
    func hint() {
        #expect(NameSuggestion.hint("nmae", among: Self.fields) == " (did you mean 'name'?)")
        #expect(NameSuggestion.hint("port", among: Self.fields) == "")
    }
}
