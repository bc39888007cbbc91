/// How a transport differs for those who do not know it, as data: what scripts may write, how its messages are shown, where
/// its dead letters go.
package final class TransportTraits: Sendable {
    /// Where a message that failed for good goes, by the topic that it came from.
    package enum LetterTopic: Sendable {
        case suffix(String)
        case prefix(String)
    }

    /// An option of `agent:send_…` beside `key` and `headers`.
    package struct SendOption: Sendable {
        package enum Kind: Sendable {
            case integer(ClosedRange<Int>)
            case flag
        }

        package let name: StaticString
        package let kind: Kind

        package init(_ name: StaticString, _ kind: Kind) {
            self.name = name
            self.kind = kind
        }
    }

    package let name: TransportName
    /// As people write it.
    package let title: String
    /// The setting that says where its broker is.
    package let setting: String
    /// What a host may run in the place of a broker that is not configured.
    package let embedded: String
    /// Handlers may name many topics by one filter, and several may match a message. Else topics are named in full.
    package let hasFilters: Bool
    /// Messages have keys and headers.
    package let hasHeaders: Bool
    /// What the payload is called in the event that a message without a handler becomes.
    package let payloadName: String
    /// What the argument with the payload is called in messages of `agent:send_…`.
    package let valueName: StaticString
    package let sendOptions: [SendOption]
    /// The setting that lists topics which agents write, where there is one.
    package let producedTopics: String?
    package let letterTopic: LetterTopic
    private let topicRule: @Sendable (String) -> Bool
    /// What `topicRule` asks for, for people.
    package let topicWords: String
    /// Bytes of a topic's name, at most.
    package let longestTopic: Int

    package init(
        name: TransportName, title: String, setting: String, embedded: String, hasFilters: Bool, hasHeaders: Bool,
        payloadName: String, valueName: StaticString, sendOptions: [SendOption], producedTopics: String? = nil,
        letterTopic: LetterTopic,
        longestTopic: Int, topicWords: String, isTopic: @escaping @Sendable (String) -> Bool
    ) {
        self.name = name
        self.title = title
        self.setting = setting
        self.embedded = embedded
        self.hasFilters = hasFilters
        self.hasHeaders = hasHeaders
        self.payloadName = payloadName
        self.valueName = valueName
        self.sendOptions = sendOptions
        self.producedTopics = producedTopics
        self.letterTopic = letterTopic
        self.longestTopic = longestTopic
        self.topicWords = topicWords
        topicRule = isTopic
    }

    /// Whether a record can be sent to the topic.
    package func isTopic(_ text: String) -> Bool { topicRule(text) }

    /// Whether a handler of the filter can hear on this transport.
    package func accepts(_ filter: TopicFilter) -> Bool {
        hasFilters || !filter.hasWildcards && isTopic(filter.text)
    }

    /// Why nothing can be sent while it is off, for people.
    package var absence: String { "\(title) is not configured, and no embedded \(embedded) runs" }
}

extension TransportTraits {
    /// Those of the contract. Where a message without a `source` could come from several, and a dead letter go to several,
    /// the first that is there is taken.
    package static let all = [kafka, mqtt]

    package static let kafka = TransportTraits(
        name: .kafka, title: "Kafka", setting: "KAFKA_BOOTSTRAP_SERVERS", embedded: "one", hasFilters: false,
        hasHeaders: true, payloadName: "message", valueName: "value",
        sendOptions: [SendOption("partition", .integer(0...Int(Int32.max)))], producedTopics: "produce_topics",
        letterTopic: .suffix(".dlq"), longestTopic: 249,
        topicWords: "1 to 249 letters, digits, '.', '_' and '-'", isTopic: KafkaTopicName.isValid)

    package static let mqtt = TransportTraits(
        name: .mqtt, title: "MQTT", setting: "MQTT_HOST", embedded: "mosquitto", hasFilters: true, hasHeaders: false,
        payloadName: "payload", valueName: "payload",
        sendOptions: [SendOption("qos", .integer(0...2)), SendOption("retain", .flag)],
        letterTopic: .prefix("dlq/"), longestTopic: 65_535, topicWords: "a name without the wildcards + and #",
        isTopic: TopicFilter.isValidTopicName)
}

extension TransportName {
    /// nil: of a transport that is not among `TransportTraits.all`.
    package var traits: TransportTraits? { TransportTraits.all.first { $0.name == self } }

    /// As people write it.
    package var title: String { traits?.title ?? description }
}
