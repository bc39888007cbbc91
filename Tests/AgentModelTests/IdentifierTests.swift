import AgentModel
import Foundation
import Testing

@Suite struct IdentifierTests {
    @Test("identifiers are lower case UUIDs of version 4")
    func form() throws {
        var source = IdentifierSource()
        for _ in 0..<1000 {
            let text = source.next().description
            let uuid = try #require(UUID(uuidString: text))
            #expect(uuid.uuidString.lowercased() == text)
            #expect(uuid.uuid.6 >> 4 == 4)
            #expect(uuid.uuid.8 >> 6 == 0b10)
        }
    }

    @Test("identifiers do not repeat, across refills, sources and threads")
    func unique() async {
        var all = Set<String>()
        var source = IdentifierSource()
        for _ in 0..<2000 { all.insert(source.next().description) }
        await withTaskGroup(of: [String].self) { group in
            for _ in 0..<4 {
                group.addTask { (0..<1000).map { _ in Identifier.random() } }
            }
            for await identifiers in group { all.formUnion(identifiers) }
        }
        #expect(all.count == 6000)
    }

    @Test("every free bit is random")
    func bits() {
        var source = IdentifierSource()
        var seen = Array(repeating: Set<Character>(), count: 36)
        for _ in 0..<1000 {
            for (place, character) in source.next().description.enumerated() { seen[place].insert(character) }
        }
        for (place, characters) in seen.enumerated() {
            let expected = [8, 13, 14, 18, 23].contains(place) ? 1 : place == 19 ? 4 : 16
            #expect(characters.count == expected, "place \(place)")
        }
    }
}
