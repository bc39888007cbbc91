import AgentModel
import Testing

@Suite struct TopicFilterTests {
    @Test(
        "a filter matches as section 4.7 of MQTT 3.1.1 says",
        arguments: [
            ("sport/tennis/player1/#", "sport/tennis/player1", true),
            ("sport/tennis/player1/#", "sport/tennis/player1/ranking", true),
            ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
            ("sport/tennis/player1/#", "sport/tennis/player12", false),
            ("sport/#", "sport", true),
            ("sport/#", "sport/", true),
            ("sport/#", "sports", false),
            ("#", "anything/at/all", true),
            ("#", "/", true),
            ("sport/tennis/+", "sport/tennis/player1", true),
            ("sport/tennis/+", "sport/tennis/player1/ranking", false),
            ("sport/+", "sport", false),
            ("sport/+", "sport/", true),
            ("+", "/finance", false),
            ("+/+", "/finance", true),
            ("/+", "/finance", true),
            ("+/tennis/#", "sport/tennis", true),
            ("+/tennis/#", "sport/tennis/x/y", true),
            ("+/#", "sport", true),
            ("a/+/c", "a//c", true),
            ("a/+/c", "a/b/d", false),
            ("a/+/c", "a/b", false),
            ("#", "$SYS/broker", false),
            ("+/broker", "$SYS/broker", false),
            ("$SYS/#", "$SYS/broker/load", true),
            ("$SYS/+/load", "$SYS/broker/load", true),
            ("a/#", "a/$SYS", true),
            ("ACCOUNTS", "Accounts", false),
            ("/finance", "finance", false),
            ("a/b", "a/b/", false),
            ("größe/+", "größe/über", true),
            ("\u{E9}", "e\u{301}", false),
        ])
    func matching(filter: String, topic: String, expected: Bool) throws {
        #expect(try TopicFilter(filter).matches(topic) == expected)
    }

    @Test(
        "a wildcard is refused where it is not a level, or not the last one",
        arguments: [
            "", "sport/tennis#", "sport/tennis/#/ranking", "sport+", "+a", "a/b+/c", "##", "++", "a/+#", "a\0b",
            String(repeating: "x", count: 65_536),
        ])
    func invalidFilters(text: String) {
        #expect(throws: TopicFilter.Invalid.self) { try TopicFilter(text) }
    }

    @Test(
        "a filter knows whether it has wildcards",
        arguments: [
            ("a/b", false), ("/", false), ("$SYS", false), ("#", true), ("a/+", true), ("+/b", true), ("a/#", true),
        ])
    func wildcards(text: String, expected: Bool) throws {
        #expect(try TopicFilter(text).hasWildcards == expected)
    }

    @Test("the message of an invalid filter names the filter and the reason")
    func message() {
        let error = #expect(throws: TopicFilter.Invalid.self) { try TopicFilter("a/#/b") }
        #expect(error?.description == "\"a/#/b\" is no topic filter: # must be the last level")
    }

    @Test("filters whose bytes differ are different, equal-looking or not")
    func bytewise() throws {
        #expect(try TopicFilter("\u{E9}") != TopicFilter("e\u{301}"))
        #expect(try Set([TopicFilter("a/+"), TopicFilter("a/+")]).count == 1)
    }

    @Test("a topic to publish to has no wildcard and no NUL and is neither empty nor too long")
    func topicNames() {
        #expect(TopicFilter.isValidTopicName("sport/tennis"))
        #expect(TopicFilter.isValidTopicName("/"))
        #expect(TopicFilter.isValidTopicName(String(repeating: "x", count: 65_535)))
        for name in ["", "a/+", "#", "a+b", "a\0", String(repeating: "é", count: 32_768)] {
            #expect(!TopicFilter.isValidTopicName(name))
        }
    }

    @Test("a Kafka topic has 1 to 249 of the characters that Kafka allows")
    func kafkaTopicNames() {
        for name in ["a", "health_data.v1-x", "...", "A9", String(repeating: "x", count: 249)] {
            #expect(KafkaTopicName.isValid(name), "\(name)")
        }
        for name in ["", ".", "..", "a/b", "a b", "é", "a\0", "#", String(repeating: "x", count: 250)] {
            #expect(!KafkaTopicName.isValid(name), "\(name)")
        }
    }

    @Test("a shared subscription matches the topics of its filter")
    func shared() throws {
        let exact = try TopicFilter("$share/wards/vitals/pulse")
        #expect(exact.topic == "vitals/pulse")
        #expect(exact.matches("vitals/pulse"))
        #expect(!exact.matches("$share/wards/vitals/pulse"))
        let wild = try TopicFilter("$share/wards/vitals/+")
        #expect(wild.topic == nil)
        #expect(wild.matches("vitals/pulse"))
        for text in ["$share", "$share/wards", "$share//vitals", "$share/wards/", "$share/+/vitals"] {
            #expect(throws: TopicFilter.Invalid.self) { try TopicFilter(text) }
        }
    }

    @Test(
        "filters overlap exactly where a topic belongs to both, and are joined by the narrowest one over both",
        arguments: [
            ("a/+/c", "a/b/#", "a/+/#"), ("a/#", "a/b", "a/#"), ("a/#", "a", "a/#"), ("#", "a/b", "#"),
            ("a/+", "+/b", "+/+"), ("a/+/c", "a/b/+", "a/+/+"), ("+/status", "dev/#", "+/#"), ("a/b", "a/b", "a/b"),
            ("a/+/c", "a/b", nil), ("a/b", "a/c", nil), ("a/#", "b/#", nil), ("#", "$SYS/x", nil),
            ("+/x", "$SYS/x", nil),
            ("$SYS/#", "$SYS/+", "$SYS/#"), ("a/+/d", "a/b/c", nil), ("$share/g/a/#", "a/b", "a/#"),
        ] as [(String, String, String?)])
    func overlaps(one: String, other: String, joined: String?) throws {
        let (one, other) = (try TopicFilter(one), try TopicFilter(other))
        #expect(one.overlaps(other) == (joined != nil))
        #expect(other.overlaps(one) == (joined != nil))
        guard let joined else { return }
        #expect(one.joined(with: other)?.text == joined)
        #expect(other.joined(with: one)?.text == joined)
    }
}
