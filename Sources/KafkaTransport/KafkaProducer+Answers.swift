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
        let record = KafkaRecord(message, partition: pending.partition)
        switch phase {
        case .replacing:
            hold(pending, record)
        case .serving:
            settle(pending, DeliveryFailure("Kafka topic \(record.topic): \(code.text)"))
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
