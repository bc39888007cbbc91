import AgentModel

/// A topic that can be meant as it stands, and probably is not.
enum TopicDoubt {
    /// What is to be said of a handler's topic; nil for nothing. `source` is nil for whichever of the brokers is there.
    static func of(_ filter: TopicFilter, source: TransportName?) -> String? {
        let topic = filter.text
        if topic.hasPrefix("/"), topic.utf8.count > 1 {
            return
                "the topic \"\(topic)\" begins with a slash, which is part of its name: \"\(topic.dropFirst())\" is another"
        }
        if topic.split(separator: "/").contains("*") {
            return "* is no wildcard in \"\(topic)\": + stands for one level, and # at the end for all further ones"
        }
        if let parameter = topic.split(separator: "/").first(where: isParameter) {
            return
                "\(parameter) is no wildcard in \"\(topic)\": + stands for one level, and message.topic says which it was"
        }
        // Slashes and wildcards say that MQTT is meant.
        let isOfMQTT = source == .mqtt || filter.hasWildcards || topic.contains("/")
        if !isOfMQTT, !KafkaTopicName.isValid(topic) {
            return "the topic \"\(topic)\" is heard on MQTT alone: Kafka's have letters, digits, '.', '_' and '-'; "
                + "source = \"mqtt\" says that it is meant"
        }
        return nil
    }

    /// Whether a level is written as the parameter of a path: `{building}`, `<building>`.
    private static func isParameter(_ level: Substring) -> Bool {
        level.utf8.count > 2
            && (level.hasPrefix("{") && level.hasSuffix("}") || level.hasPrefix("<") && level.hasSuffix(">"))
    }
}
