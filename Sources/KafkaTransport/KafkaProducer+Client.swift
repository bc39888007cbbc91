internal import AgentModel
internal import CRdkafka
internal import NIOCore

extension KafkaProducer {
    func connect() throws(KafkaError) {
        let client = try KafkaClient(settings: settings, role: .producer, owner: self)
        let wakeup = try QueueWakeup(eventLoop: eventLoop) { [weak self] in self?.poll() }
        if let queue = rd_kafka_queue_get_main(client.handle) { wakeup.watch(queue) }
        self.client = client
        self.wakeup = wakeup
        for topic in warmTopics { _ = handle(ofTopic: topic) }
        schedulePoll()
    }

    func disconnect() {
        lastTopic = nil
        for topic in topics.values { rd_kafka_topic_destroy(topic) }
        topics = [:]
        wakeup?.close()
        wakeup = nil
        client = nil
    }

    /// The library's object for a topic, made once; making it asks for the topic's leaders. nil: Kafka does not allow
    /// the name.
    func handle(ofTopic name: String) -> OpaquePointer? {
        if let lastTopic, lastTopic.name == name { return lastTopic.handle }
        if let known = topics[name] {
            lastTopic = (name, known)
            return known
        }
        guard KafkaTopicName.isValid(name), let client, let topic = rd_kafka_topic_new(client.handle, name, nil) else {
            return nil
        }
        topics[name] = topic
        lastTopic = (name, topic)
        return topic
    }

    func produce(_ record: Record, to topic: OpaquePointer, _ pending: PendingRecord) -> rd_kafka_resp_err_t {
        guard let client else { return RD_KAFKA_RESP_ERR__STATE }
        let partition = record.partition ?? RD_KAFKA_PARTITION_UA
        return record.value.withBytes { value in
            record.key.withBytes { key in
                var headers: OpaquePointer?
                if !record.headers.isEmpty { headers = record.headers.makeLibrdkafkaHeaders() }
                // Retained here, released in `delivered`, or right below when the library does not take the record.
                let opaque = Unmanaged.passRetained(pending)
                let code: rd_kafka_resp_err_t
                if let headers {
                    code = rdkafka_produce_with_headers(
                        client.handle, topic, partition, value.baseAddress, value.count, key.baseAddress, key.count,
                        headers, opaque.toOpaque())
                    if code != RD_KAFKA_RESP_ERR_NO_ERROR { rd_kafka_headers_destroy(headers) }
                } else {
                    let result = rd_kafka_produce(
                        topic, partition, CInt(RD_KAFKA_MSG_F_COPY),
                        UnsafeMutableRawPointer(mutating: value.baseAddress),
                        value.count, key.baseAddress, key.count, opaque.toOpaque())
                    code = result == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error()
                }
                if code == RD_KAFKA_RESP_ERR_NO_ERROR { queuedInClient += 1 } else { opaque.release() }
                return code
            }
        }
    }
}

extension ByteBuffer? {
    /// The bytes; without an address for nil, with one for an empty buffer.
    fileprivate func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        guard let self else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        if self.readableBytes == 0 {
            return withUnsafeBytes(of: 0 as UInt8) { body(UnsafeRawBufferPointer(rebasing: $0[..<0])) }
        }
        return self.withUnsafeReadableBytes(body)
    }
}
