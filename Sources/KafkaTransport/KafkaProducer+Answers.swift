internal import AgentModel
internal import CRdkafka
internal import NIOCore

extension KafkaProducer: KafkaClientOwner {
    func schedulePoll() {
        guard !isPollScheduled else { return }
        isPollScheduled = true
        eventLoop.assumeIsolated().execute { [weak self] in
            self?.isPollScheduled = false
            self?.poll()
        }
    }

    func schedulePollTimer() {
        pollTimer = eventLoop.assumeIsolated().scheduleTask(in: Self.pollInterval) { [weak self] in
            guard let self, phase != .stopped else { return }
            poll()
            schedulePollTimer()
        }
    }

    func poll() {
        guard let client, !isPollScheduled else { return }
        handledReports = 0
        rd_kafka_poll(client.handle, 0)
        if handledReports > 0 { monitor.active(at: Timestamp.now()) }
        if handledReports >= Self.batch { schedulePoll() }
        if queuedInClient == 0 { clientIsEmpty() }
    }

    private func clientIsEmpty() {
        switch phase {
        case .serving, .stopped: break
        case .replacing: replace()
        case .stopping: finishStop()
        }
    }

    func delivered(_ message: UnsafePointer<rd_kafka_message_t>) {
        guard let opaque = message.pointee._private else { return }
        let pending = Unmanaged<PendingRecord>.fromOpaque(opaque).takeRetainedValue()
        queuedInClient -= 1
        handledReports += 1
        if handledReports == Self.batch, let client { rd_kafka_yield(client.handle) }
        let code = message.pointee.err
        if code == RD_KAFKA_RESP_ERR_NO_ERROR { return settle(pending, nil) }
        if code == RD_KAFKA_RESP_ERR__FATAL { beginReplacement() }
        let record = Record(message, partition: pending.partition)
        switch phase {
        case .replacing:
            hold(pending, record)
        case .serving:
            settle(pending, DeliveryFailure(code, of: record))
        case .stopping, .stopped:
            settle(pending, DeliveryFailure("Kafka topic \(record.topic): stopped before the broker answered"))
        }
    }

    func settle(_ pending: PendingRecord, _ failure: DeliveryFailure?) {
        if pending.flushEpoch == flushEpoch {
            unsettled -= 1
        } else if let index = flushes.firstIndex(where: { $0.epoch == pending.flushEpoch }) {
            flushes[index].unsettled -= 1
        }
        pending.receipt?.settle(failure)
        while let first = flushes.first, first.unsettled == 0 {
            flushes.removeFirst()
            first.promise.succeed()
        }
    }

    func clientFailed(_ code: rd_kafka_resp_err_t, reason: String) {
        if code == RD_KAFKA_RESP_ERR__FATAL { beginReplacement() }
        monitor.failed(code, reason: reason)
    }

    func statistics(_ json: UnsafePointer<CChar>) {
        monitor.statistics(json)
    }

    func logged(severity: Int, facility: String, text: String) {
        log.line(severity: severity, facility: facility, text: text)
    }
}

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
