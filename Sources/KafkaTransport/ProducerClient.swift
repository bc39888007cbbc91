internal import AgentModel
internal import CRdkafka
internal import NIOCore

/// One librdkafka producer with its topics and the records that it has: what is replaced when it fails for good.
final class ProducerClient {
    /// Records that the library has, each with a retained `PendingRecord`.
    private(set) var queued = 0
    private let client: KafkaClient
    private let wakeup: QueueWakeup
    private var topics: [String: OpaquePointer] = [:]
    private var lastTopic: (name: String, handle: OpaquePointer)?

    /// - Parameter onAnswers: called on `eventLoop` when there is something to `poll`.
    /// - Throws: `KafkaError` for a setting that librdkafka refuses, or when no descriptor is left.
    init(
        settings: KafkaSettings, eventLoop: any EventLoop, owner: any KafkaClientOwner,
        onAnswers: @escaping () -> Void
    ) throws(KafkaError) {
        client = try KafkaClient(settings: settings, role: .producer, owner: owner)
        wakeup = try QueueWakeup(eventLoop: eventLoop, onWake: onAnswers)
        if let queue = rd_kafka_queue_get_main(client.handle) { wakeup.watch(queue) }
    }

    func close() {
        lastTopic = nil
        for topic in topics.values { rd_kafka_topic_destroy(topic) }
        topics = [:]
        wakeup.close()
    }

    /// The library's object for a topic, made once; making it asks for the topic's leaders. nil: Kafka does not allow
    /// the name.
    func handle(ofTopic name: String) -> OpaquePointer? {
        if let lastTopic, lastTopic.name == name { return lastTopic.handle }
        if let known = topics[name] {
            lastTopic = (name, known)
            return known
        }
        guard KafkaTopicName.isValid(name), let topic = rd_kafka_topic_new(client.handle, name, nil) else {
            return nil
        }
        topics[name] = topic
        lastTopic = (name, topic)
        return topic
    }

    /// Copies the record into the library's queue; its report brings `pending` back to `takePending`.
    func produce(
        _ record: borrowing RecordView, to topic: OpaquePointer, _ pending: PendingRecord
    ) -> rd_kafka_resp_err_t {
        let partition = pending.partition ?? RD_KAFKA_PARTITION_UA
        let value = record.value.addressed
        let key = record.key.addressed
        // Retained here, released by `takePending`, or right below when the library does not take the record.
        let opaque = Unmanaged.passRetained(pending)
        let code: rd_kafka_resp_err_t
        if record.headers.isEmpty {
            let result = rd_kafka_produce(
                topic, partition, CInt(RD_KAFKA_MSG_F_COPY), UnsafeMutableRawPointer(mutating: value.baseAddress),
                value.count, key.baseAddress, key.count, opaque.toOpaque())
            code = result == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error()
        } else {
            let headers = record.headers.makeLibrdkafkaHeaders()
            code = rdkafka_produce_with_headers(
                client.handle, topic, partition, value.baseAddress, value.count, key.baseAddress, key.count, headers,
                opaque.toOpaque())
            if code != RD_KAFKA_RESP_ERR_NO_ERROR, let headers { rd_kafka_headers_destroy(headers) }
        }
        if code == RD_KAFKA_RESP_ERR_NO_ERROR { queued += 1 } else { opaque.release() }
        return code
    }

    /// What `produce` was given for the record of this report, which the library has no more.
    func takePending(_ report: rd_kafka_message_t) -> PendingRecord? {
        guard let opaque = report._private else { return nil }
        queued -= 1
        return Unmanaged<PendingRecord>.fromOpaque(opaque).takeRetainedValue()
    }

    /// Calls the owner for each report there is, until it calls `endPoll`.
    func poll() {
        rd_kafka_poll(client.handle, 0)
    }

    /// Called by the owner inside `poll`: this report was the last.
    func endPoll() {
        rd_kafka_yield(client.handle)
    }

    /// Calls all records back, sent or not; their reports come by `poll`.
    func purge() {
        rd_kafka_purge(client.handle, CInt(RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT))
    }

    /// Makes the client fail as a lost sequence of an idempotent producer does: a fault for tests.
    func injectFatalError() {
        rd_kafka_test_fatal_error(
            client.handle, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "injected sequence desynchronization")
    }
}

extension UnsafeRawBufferPointer? {
    /// Without an address for nil, with one for no bytes: so the library tells them apart.
    fileprivate var addressed: UnsafeRawBufferPointer {
        guard let self else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let address: StaticString = ""
        return self.isEmpty ? UnsafeRawBufferPointer(start: address.utf8Start, count: 0) : self
    }
}
