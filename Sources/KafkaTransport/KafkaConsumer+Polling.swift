internal import AgentModel
internal import CRdkafka
internal import NIOCore

extension KafkaConsumer {
    func schedulePoll() {
        guard !isPollScheduled else { return }
        isPollScheduled = true
        eventLoop.assumeIsolated().execute { [weak self] in
            self?.isPollScheduled = false
            self?.poll()
        }
    }

    /// NIO runs what is ready, and what that makes ready, before it looks at a socket again: handlers that take long would
    /// keep everyone else from the loop for as long as there are messages.
    private func pausePolling() {
        guard !isPollScheduled else { return }
        isPollScheduled = true
        eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(1)) { [weak self] in
            self?.isPollScheduled = false
            self?.busySince = nil
            self?.poll()
        }
    }

    func schedulePollTimer() {
        pollTimer = eventLoop.assumeIsolated().scheduleTask(in: Self.pollInterval) { [weak self] in
            guard let self, phase != .closed else { return }
            poll()
            schedulePollTimer()
        }
    }

    func poll() {
        if phase == .closing { return pollClosing() }
        guard phase != .closed, !window.isBlocked, !isPollScheduled, let handle else { return }
        var taken = 0
        var delivered = false
        let begin = busySince ?? CoarseClock.now()
        busySince = begin
        while taken < Self.batch, !window.isBlocked {
            guard let message = rd_kafka_consumer_poll(handle, 0) else {
                busySince = nil
                if delivered { monitor.active(at: Timestamp.now()) }
                return
            }
            taken += 1
            if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
                delivered = true
                deliver(message)
            } else {
                report(message.pointee)
                rd_kafka_message_destroy(message)
            }
            // A handler may have stopped the consumer.
            guard phase == .serving || phase == .draining else { return schedulePoll() }
            if CoarseClock.now() - begin > Self.longestTurn {
                if delivered { monitor.active(at: Timestamp.now()) }
                return pausePolling()
            }
        }
        if delivered { monitor.active(at: Timestamp.now()) }
        if !window.isBlocked { schedulePoll() }
    }

    func pollClosing() {
        guard let handle, let closeQueue else { return }
        for _ in 0..<Self.batch {
            guard let message = rd_kafka_consume_queue(closeQueue, 0) else {
                if rd_kafka_consumer_closed(handle) != 0 { finishClose() }
                return
            }
            rd_kafka_message_destroy(message)
        }
        schedulePoll()
    }

    func deliver(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        guard phase == .serving, let partition = assigned.partition(of: message.pointee), partition.state == .active,
            let receiver
        else {
            // Its offset is never stored: it is delivered again, here or elsewhere.
            return rd_kafka_message_destroy(message)
        }
        receiver.receive(KafkaMessage(message, assignment: partition))
        window.delivered(to: partition)
    }

    func report(_ message: rd_kafka_message_t) {
        let reason = message.payload.map { String(cString: $0.assumingMemoryBound(to: CChar.self)) } ?? message.err.text
        switch message.err {
        case RD_KAFKA_RESP_ERR__PARTITION_EOF: break
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: log.notice(reason)
        // As of a static member that another of its name has taken the place of.
        case RD_KAFKA_RESP_ERR__FATAL: clientFailed(message.err, reason: reason)
        default: log.warning(reason)
        }
    }
}
