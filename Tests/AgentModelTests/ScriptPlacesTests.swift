import AgentModel
import Testing

@Suite("Places in scripts") struct ScriptPlacesTests {
    private static let files = [
        "my agent", "health.lua", "lib/inner.lua", "a.lua", "b.lua", "a/long/way/to/the/script.lua",
    ]

    @Test(
        "are not in what a client is told",
        arguments: [
            ("health.lua:12: boom", "boom"), ("lib/inner.lua:3: boom", "boom"), ("my agent:7: boom", "boom"),
            ("a.lua:9: a.lua:3: boom", "boom"), ("a.lua:9: while saving: b.lua:3: boom", "while saving: boom"),
            ("[string \"x = y(\"]:1: boom", "boom"), ("...long/way/to/the/script.lua:1: boom", "boom"),
            ("a.lua:1: boom\nstack traceback:\n\ta.lua:1: in main chunk", "boom"), ("a.lua:1: ", ""),
            ("the file (a.lua:3: boom)", "the file (boom)"),
        ])
    func removed(message: String, shown: String) {
        #expect(ScriptPlaces.removed(from: message, files: Self.files) == shown)
    }

    @Test(
        "and nothing else is taken away",
        arguments: [
            "boom", "", ":", "10.0.0.1:9092: connection refused", "a.lua", "a.lua:3", "a.lua:x: y", "http://a.lua:80/x",
            "see a.lua:3 for more", "see other.lua:3: it is there", "data.csv:12: no number", "...nope.lua:3: x",
            "[1,2]: 3", "[string \"a", "at 12:30: too late", "Größe: 5",
        ])
    func kept(message: String) {
        #expect(ScriptPlaces.removed(from: message, files: Self.files) == message)
    }
}
