/// Why a Kafka client could not be made. Its description never holds a credential.
package struct KafkaError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable {
        /// A setting that librdkafka refuses.
        case configuration
        /// librdkafka could not create the client.
        case client
        /// The system gave no descriptor.
        case system
    }

    package let code: Code
    package let description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
