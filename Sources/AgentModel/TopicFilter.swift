/// An MQTT topic filter (MQTT 3.1.1 section 4.7): `+` stands for one whole level, `#` at the end for all further ones.
package struct TopicFilter: Sendable, Hashable, CustomStringConvertible {
    /// Why a text is not a topic filter.
    package struct Invalid: Error, Sendable, Equatable, CustomStringConvertible {
        package let description: String
    }

    package let text: String
    package let hasWildcards: Bool
    /// What topics are compared with: the text, or for a shared subscription `$share/GROUP/FILTER` (MQTT 5.0 section 4.8.2,
    /// which mosquitto has for 3.1.1 too) its filter.
    let subject: String

    /// Bytes that a topic name or filter may have (MQTT 3.1.1 section 1.5.3).
    package static let longest = 65_535

    /// Throws `Invalid` for an empty text, one that is too long or has a NUL, and for a wildcard in the wrong place.
    package init(_ text: String) throws(Invalid) {
        func invalid(_ reason: String) -> Invalid { Invalid(description: "\"\(text)\" is no topic filter: \(reason)") }

        if text.isEmpty { throw Invalid(description: "a topic filter cannot be empty") }
        if text.utf8.count > Self.longest { throw Invalid(description: "a topic filter has at most 65,535 bytes") }
        if text.utf8.contains(0) { throw Invalid(description: "a topic filter cannot contain a NUL character") }
        var hasWildcards = false
        let levels = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, level) in levels.enumerated() {
            if level.contains(UInt8(ascii: "#")) {
                if level.count > 1 { throw invalid("# must stand alone in its level") }
                if index < levels.count - 1 { throw invalid("# must be the last level") }
                hasWildcards = true
            }
            if level.contains(UInt8(ascii: "+")) {
                if level.count > 1 { throw invalid("+ must stand alone in its level") }
                hasWildcards = true
            }
        }
        var subject = text
        if levels[0].elementsEqual("$share".utf8) {
            guard levels.count > 2, !levels[1].isEmpty, levels[1].allSatisfy({ $0 != 0x23 && $0 != 0x2B }) else {
                throw invalid("a shared subscription is $share/GROUP/FILTER")
            }
            subject = levels[2...].map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
            if subject.isEmpty { throw invalid("a shared subscription is $share/GROUP/FILTER") }
        }
        self.text = text
        self.hasWildcards = hasWildcards
        self.subject = subject
    }

    /// The topic that the filter is, when it is one and no more.
    package var topic: String? { hasWildcards ? nil : subject }

    /// Whether messages of the topic belong to the filter. A topic that begins with `$` (`$SYS/…`) needs a filter that
    /// does so too; a wildcard in its place does not match (section 4.7.2).
    package func matches(_ topic: String) -> Bool {
        var subject = subject
        var topic = topic
        return subject.withUTF8 { filter in
            topic.withUTF8 { topic in Self.matches(filter, topic) }
        }
    }

    private static func matches(_ filter: UnsafeBufferPointer<UInt8>, _ topic: UnsafeBufferPointer<UInt8>) -> Bool {
        let isWildcard = filter[0] == UInt8(ascii: "#") || filter[0] == UInt8(ascii: "+")
        if isWildcard, topic.first == UInt8(ascii: "$") { return false }
        var at = 0
        var topicAt = 0
        while at < filter.count {
            let byte = filter[at]
            if byte == UInt8(ascii: "#") { return true }
            if byte == UInt8(ascii: "+") {
                while topicAt < topic.count, topic[topicAt] != UInt8(ascii: "/") { topicAt += 1 }
            } else if topicAt < topic.count, topic[topicAt] == byte {
                topicAt += 1
            } else {
                // `sport/#` is also for `sport` itself (section 4.7.1.2).
                return topicAt == topic.count && byte == UInt8(ascii: "/") && at + 2 == filter.count
                    && filter[at + 1] == UInt8(ascii: "#")
            }
            at += 1
        }
        return topicAt == topic.count
    }

    /// Whether a message can be published to the topic: not empty, not too long, no wildcard, no NUL.
    package static func isValidTopicName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= longest
            && name.utf8.allSatisfy { $0 != 0 && $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "#") }
    }

    package var description: String { text }

    /// Filters are the same when their bytes are (section 4.7.3 forbids to normalize them).
    package static func == (left: TopicFilter, right: TopicFilter) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
