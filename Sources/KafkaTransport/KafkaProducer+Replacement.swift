internal import AgentModel
internal import CRdkafka
internal import NIOCore

extension KafkaProducer {
    /// An idempotent client that lost track of its sequence numbers is dead in librdkafka 2.0.2. All it has is called
    /// back, and goes to a new client in the order in which it was sent. A record whose answer was lost may then be
    /// there twice.
    func beginReplacement() {
        guard phase == .serving else { return }
        phase = .replacing
        log.warning("the producer failed for good; a new one sends what is unsettled")
        eventLoop.assumeIsolated().execute { [weak self] in
            guard let self, phase == .replacing, let client else { return }
            purge(client)
            poll()
        }
    }

    private func purge(_ client: KafkaClient) {
        rd_kafka_purge(client.handle, CInt(RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT))
        schedulePoll()
    }

    func hold(_ pending: PendingRecord, _ record: Record) {
        backlog.append((pending, record))
        backlogBytes += record.queuedBytes
    }

    func replace() {
        disconnect()
        do {
            try connect()
        } catch {
            log.warning("\(error.description); trying again")
            eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { [weak self] in
                guard let self, phase == .replacing else { return }
                replace()
            }
            return
        }
        phase = .serving
        let again = backlog.sorted { $0.pending.sequence < $1.pending.sequence }
        backlog = []
        backlogBytes = 0
        for (pending, record) in again {
            var code = RD_KAFKA_RESP_ERR__STATE
            if let topic = handle(ofTopic: record.topic) { code = produce(record, to: topic, pending) }
            guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
            settle(pending, DeliveryFailure(code, of: record))
        }
    }

    func abandon() {
        guard phase == .stopping, let client else { return }
        log.warning("\(queuedInClient) records had no answer from the broker when the producer stopped")
        purge(client)
    }

    func finishStop() {
        phase = .stopped
        stopTimer?.cancel()
        pollTimer?.cancel()
        disconnect()
        monitor.stopped()
        stopped?.succeed()
    }

    /// Makes the client fail as a lost sequence of an idempotent producer does: a fault for tests.
    package func injectFatalError() {
        eventLoop.preconditionInEventLoop()
        guard let client else { return }
        rd_kafka_test_fatal_error(
            client.handle, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "injected sequence desynchronization")
    }
}
