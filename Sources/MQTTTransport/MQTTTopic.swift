import CMosquitto

/// The rules of topic names and topic filters (MQTT 3.1.1 section 4.7).
enum MQTTTopic {
    /// What is wrong with `topic` as a name to publish to; nil: nothing.
    static func defect(inName topic: String) -> String? {
        if let defect = defect(inText: topic, called: "topic") { return defect }
        if topic.utf8.contains(where: { $0 == UInt8(ascii: "#") || $0 == UInt8(ascii: "+") }) {
            return "the MQTT topic '\(topic)' holds a wildcard: wildcards are for subscriptions only"
        }
        return nil
    }

    /// What is wrong with `filter` as a filter to subscribe to; nil: nothing.
    static func defect(inFilter filter: String) -> String? {
        if let defect = defect(inText: filter, called: "topic filter") { return defect }
        guard mosquitto_sub_topic_check(filter) == MOSQ_ERR_SUCCESS.rawValue else {
            return "the MQTT topic filter '\(filter)' is not valid: # only at the end, # and + only as a whole level"
        }
        if filter.hasPrefix("$share/"), sharedPart(of: filter) == nil {
            return "the MQTT topic filter '\(filter)' is not valid: expected $share/GROUP/FILTER"
        }
        return nil
    }

    private static func defect(inText text: String, called name: String) -> String? {
        if text.isEmpty { return "the MQTT \(name) is empty" }
        if text.utf8.count > 65_535 { return "the MQTT \(name) is longer than 65535 bytes" }
        if text.utf8.contains(0) { return "the MQTT \(name) holds a NUL character" }
        return nil
    }

    /// True when a message of `topic` may have come for `filter`.
    static func matches(_ topic: UnsafePointer<CChar>, filter: String) -> Bool {
        var result = false
        return mosquitto_topic_matches_sub(sharedPart(of: filter) ?? filter, topic, &result)
            == MOSQ_ERR_SUCCESS.rawValue && result
    }

    /// Whether a filter may match topics other than its own text. A shared one (`$share/…`) is not its own text.
    static func hasWildcards(_ filter: String) -> Bool {
        filter.utf8.contains { $0 == UInt8(ascii: "#") || $0 == UInt8(ascii: "+") } || filter.hasPrefix("$share/")
    }

    /// The levels of a filter, for `covers`.
    static func levels(_ filter: String) -> [Substring] {
        filter.split(separator: "/", omittingEmptySubsequences: false)
    }

    /// True when every topic that the levels of `narrow` match is matched by those of `wide`; also when they are the same.
    static func covers(_ wide: [Substring], _ narrow: [Substring]) -> Bool {
        guard wide[0] != "$share", narrow[0] != "$share" else { return false }
        // A leading wildcard does not match topics that begin with $ (section 4.7.2).
        if narrow[0].hasPrefix("$"), wide[0] == "#" || wide[0] == "+" { return false }
        for (index, level) in wide.enumerated() {
            if level == "#" { return true }
            guard index < narrow.count, narrow[index] != "#" else { return false }
            guard level == "+" || level == narrow[index] else { return false }
        }
        return wide.count == narrow.count
    }

    /// The filter of a shared subscription, `$share/GROUP/FILTER`; nil for any other filter.
    private static func sharedPart(of filter: String) -> String? {
        guard filter.hasPrefix("$share/") else { return nil }
        let group = filter.dropFirst("$share/".count)
        guard let slash = group.firstIndex(of: "/"), slash != group.startIndex else { return nil }
        let rest = group[group.index(after: slash)...]
        return rest.isEmpty ? nil : String(rest)
    }
}
