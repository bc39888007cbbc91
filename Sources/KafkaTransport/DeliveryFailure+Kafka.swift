internal import AgentModel
internal import CRdkafka

extension DeliveryFailure {
    /// What a broker, or librdkafka itself, has against a record.
    init(_ code: rd_kafka_resp_err_t, of record: Record) {
        let bytes = record.queuedBytes
        let reason =
            switch code {
            case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
                "a record of \(bytes) bytes is too large, for KAFKA_MESSAGE_MAX_BYTES or the broker's own limit"
            case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED: "the user may not write to it"
            case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC: "the broker has no such topic, and does not make it"
            case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION: "it has no partition \(record.partition ?? -1)"
            default: code.text
            }
        self.init("Kafka topic \(record.topic): \(reason)", isPermanent: code.isPermanent)
    }
}

extension rd_kafka_resp_err_t {
    /// Sending the same record again cannot succeed, unless somebody changes the broker. librdkafka has waited
    /// `topic.metadata.propagation.max.ms`, 30 s, before it calls a topic unknown.
    fileprivate var isPermanent: Bool {
        switch self {
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE,
            RD_KAFKA_RESP_ERR_INVALID_MSG, RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
            RD_KAFKA_RESP_ERR_INVALID_RECORD,
            RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, RD_KAFKA_RESP_ERR_INVALID_PARTITIONS,
            RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE:
            true
        default: false
        }
    }
}
