internal import AgentModel
internal import CRdkafka
internal import NIOCore

/// The group's rebalances, under the eager protocol: an assignment begins and ends as a whole.
///
/// librdkafka calls back inside `rd_kafka_consumer_poll`, on the loop that the handlers in flight need in order to
/// settle. So a revocation returns at once, without the `rd_kafka_assign` that confirms it; until then the group waits.
/// The loop goes on, messages not yet begun count as given up, and the confirmation follows when the last handler has
/// settled or after `revocationTimeout`. Confirming makes librdkafka commit the stored offsets and wait for the answer
/// before it rejoins: no commit of ours in a rebalance (librdkafka #4908).
///
/// A new subscription ends an assignment too. There the wait comes first and the call into librdkafka after it: in
/// 2.0.2 a change of the topics' metadata during a revocation not yet confirmed makes it rejoin at once, and the last
/// commit fails.
extension KafkaConsumer: KafkaClientOwner, PartitionOwner {
    enum Revocation {
        /// For the next subscription; librdkafka does not know of it yet.
        case bySubscription
        /// librdkafka waits for its confirmation.
        case byGroup
    }

    func rebalanced(
        _ code: rd_kafka_resp_err_t, partitions list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
    ) {
        eventLoop.preconditionInEventLoop()
        switch code {
        case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
            assign(list)
        case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
            revoke()
        default:
            log.warning("the group could not be joined: \(code.text)")
            revoke()
        }
    }

    private func assign(_ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) {
        guard let handle, let client else { return }
        monitor.up()
        endAssignment()
        if let list, let entries = list.pointee.elems {
            for entry in UnsafeBufferPointer(start: entries, count: Int(list.pointee.cnt)) {
                assigned.add(
                    AssignedPartition(
                        topic: String(cString: entry.topic), number: entry.partition, windowMessages: windowMessages,
                        client: client, owner: self))
            }
        }
        let code = rd_kafka_assign(handle, list)
        if code != RD_KAFKA_RESP_ERR_NO_ERROR { log.warning("the assignment failed: \(code.text)") }
        log.debug("assigned \(partitions.count) partitions")
        if phase != .serving { window.pause(partitions) }
    }

    private func revoke() {
        guard let handle else { return }
        let isLost = rd_kafka_assignment_lost(handle) != 0
        if isLost { log.notice("the assignment was lost; its unfinished messages are delivered again") }
        let hasWaited = revocation == .bySubscription && revocationDeadline == nil
        revocation = .byGroup
        beginRevocation()
        if isLost || hasWaited || phase == .closing || !assigned.isBusy {
            confirmRevocation()
        }
    }

    /// Gives handlers in flight their time before `nextSubscription`.
    func drainBeforeSubscribing() {
        guard revocation == nil else { return }
        revocation = .bySubscription
        beginRevocation()
        window.pause(partitions)
    }

    private func beginRevocation() {
        for partition in partitions { partition.beginRevocation() }
        receiver?.revoked()
        window.unblock()
        guard revocationDeadline == nil else { return }
        revocationDeadline = eventLoop.assumeIsolated().scheduleTask(in: revocationTimeout) { [weak self] in
            self?.log.notice("partitions are given up while handlers still run; their messages are delivered again")
            self?.revocationDrained()
        }
    }

    /// A message that was outstanding has settled or is gone.
    private func revocationAdvanced() {
        guard revocationDeadline != nil, !assigned.isBusy else { return }
        revocationDrained()
    }

    func settled(_ partition: AssignedPartition, advanced: Bool) {
        eventLoop.assertInEventLoop()
        if advanced { offsets.advanced(partition) }
        window.settled(partition, isServing: phase == .serving)
        released(partition)
    }

    func released(_ partition: AssignedPartition) {
        eventLoop.assertInEventLoop()
        if partition.state == .revoking, partition.outstanding == 0 { revocationAdvanced() }
    }

    private func revocationDrained() {
        revocationDeadline?.cancel()
        revocationDeadline = nil
        switch revocation {
        case .bySubscription:
            offsets.storeNow()
            // Its revocation comes as a callback, and finds that the wait is over.
            if let topics = nextSubscription.take() { apply(topics) }
        case .byGroup:
            confirmRevocation()
        case nil:
            break
        }
    }

    /// Lets the partitions go; nothing is stored when the assignment is lost.
    func confirmRevocation() {
        guard let handle else { return }
        if rd_kafka_assignment_lost(handle) == 0 { offsets.storeNow() }
        // The application's pause outlives an assignment in librdkafka.
        window.resume(partitions)
        endAssignment()
        let code = rd_kafka_assign(handle, nil)
        if code != RD_KAFKA_RESP_ERR_NO_ERROR { log.warning("the revocation failed: \(code.text)") }
        if let topics = nextSubscription.take() { apply(topics) }
    }

    private func endAssignment() {
        revocationDeadline?.cancel()
        revocationDeadline = nil
        revocation = nil
        for partition in partitions { partition.endRevocation() }
        if !partitions.isEmpty { receiver?.revoked() }
        forgetAssignment()
    }

    func committed(
        _ code: rd_kafka_resp_err_t, partitions list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
    ) {
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            // The messages concerned are delivered again should this consumer end before the next commit.
            if code != RD_KAFKA_RESP_ERR__NO_OFFSET { log.notice("a commit was refused: \(code.text)") }
            return
        }
        guard let list, let entries = list.pointee.elems else { return }
        for entry in UnsafeBufferPointer(start: entries, count: Int(list.pointee.cnt))
        where entry.err == RD_KAFKA_RESP_ERR_NO_ERROR && entry.offset >= 0 {
            assigned.partition(entry.partition, of: String(cString: entry.topic))?.committed = entry.offset
        }
    }

    func clientFailed(_ code: rd_kafka_resp_err_t, reason: String) {
        if code == RD_KAFKA_RESP_ERR__FATAL {
            monitor.failedForGood("the consumer failed for good: \(reason)")
        } else {
            monitor.failed(code, reason: reason)
        }
    }

    func statistics(_ json: UnsafePointer<CChar>) {
        monitor.statistics(json)
    }

    func logged(severity: Int, facility: String, text: String) {
        log.line(severity: severity, facility: facility, text: text)
    }
}
