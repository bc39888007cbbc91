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

    /// True when every topic that `narrow` matches is matched by `wide`, and they are not the same filter.
    static func covers(_ wide: String, _ narrow: String) -> Bool {
        guard wide != narrow, !wide.hasPrefix("$share/"), !narrow.hasPrefix("$share/") else { return false }
        let wideLevels = wide.split(separator: "/", omittingEmptySubsequences: false)
        let narrowLevels = narrow.split(separator: "/", omittingEmptySubsequences: false)
        // A leading wildcard does not match topics that begin with $ (section 4.7.2).
        if narrow.hasPrefix("$"), wideLevels[0] == "#" || wideLevels[0] == "+" { return false }
        for (index, level) in wideLevels.enumerated() {
            if level == "#" { return true }
            guard index < narrowLevels.count, narrowLevels[index] != "#" else { return false }
            guard level == "+" || level == narrowLevels[index] else { return false }
        }
        return wideLevels.count == narrowLevels.count
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
