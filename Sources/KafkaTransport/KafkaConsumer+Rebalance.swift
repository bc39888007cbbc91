internal import AgentModel
internal import CRdkafka
internal import NIOCore

/// The group's rebalances: eagerly, where an assignment begins and ends as a whole, or cooperatively, where partitions
/// come and go while the others are consumed (KIP-429).
///
/// librdkafka calls back inside `rd_kafka_consumer_poll`, on the loop that the handlers in flight need in order to
/// settle. So a revocation returns at once, without the call that confirms it; until then the group waits.
/// The loop goes on, messages not yet begun count as given up, and the confirmation follows when the last handler has
/// settled or after `revocationTimeout`. Confirming makes librdkafka commit the stored offsets and wait for the answer
/// before it rejoins: no commit of ours in a rebalance (librdkafka #4908).
///
/// A new subscription ends an eager assignment too. There the wait comes first and the call into librdkafka after it: in
/// 2.0.2 a change of the topics' metadata during a revocation not yet confirmed makes it rejoin at once, and the last
/// commit fails. Under the cooperative protocol the group revokes what is not subscribed any more, and nothing else.
extension KafkaConsumer: KafkaClientOwner, PartitionOwner {
    func rebalanced(
        _ code: rd_kafka_resp_err_t, partitions list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
    ) {
        eventLoop.preconditionInEventLoop()
        switch code {
        case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
            assign(list)
        case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
            revoke(isCooperative ? assigned.partitions(in: list) : partitions)
        default:
            log.warning("the group could not be joined: \(code.text)")
            revoke(partitions)
        }
    }

    private func assign(_ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) {
        guard let handle, let client else { return }
        monitor.up()
        if !isCooperative { letGo(partitions) }
        if let list, let entries = list.pointee.elems {
            for entry in UnsafeBufferPointer(start: entries, count: Int(list.pointee.cnt)) {
                assigned.add(
                    AssignedPartition(
                        topic: String(cString: entry.topic), number: entry.partition, windowMessages: windowMessages,
                        client: client, owner: self))
            }
        }
        if isCooperative {
            if let error = rd_kafka_incremental_assign(handle, list) { refused("the assignment", error) }
        } else {
            let code = rd_kafka_assign(handle, list)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { log.warning("the assignment failed: \(code.text)") }
        }
        log.debug("assigned \(partitions.count) partitions")
        if phase != .serving { window.pause(partitions) }
    }

    private func revoke(_ leaving: [AssignedPartition]) {
        guard let handle else { return }
        let isLost = rd_kafka_assignment_lost(handle) != 0
        if isLost { log.notice("the assignment was lost; its unfinished messages are delivered again") }
        let hasWaited = revocation.map { $0.cause == .bySubscription && !$0.isWaiting } ?? false
        let revocation = beginRevocation(.byGroup, of: leaving)
        if isLost || hasWaited || phase == .closing || !revocation.isBusy { confirmRevocation() }
    }

    /// Gives handlers in flight their time before `nextSubscription`.
    func drainBeforeSubscribing() {
        guard revocation == nil else { return }
        beginRevocation(.bySubscription, of: partitions)
        window.pause(partitions)
    }

    @discardableResult
    private func beginRevocation(_ cause: Revocation.Cause, of leaving: [AssignedPartition]) -> Revocation {
        let revocation = revocation ?? Revocation(cause)
        self.revocation = revocation
        if cause == .byGroup { revocation.becomeGroups() }
        revocation.begin(leaving, timeout: revocationTimeout, on: eventLoop) { [weak self] in
            self?.log.notice("partitions are given up while handlers still run; their messages are delivered again")
            self?.revocationDrained()
        }
        receiver?.revoked()
        window.unblock()
        return revocation
    }

    func settled(_ partition: AssignedPartition, advanced: Bool) {
        eventLoop.assertInEventLoop()
        if advanced { offsets.advanced(partition) }
        window.settled(partition, isServing: phase == .serving)
        released(partition)
    }

    func released(_ partition: AssignedPartition) {
        eventLoop.assertInEventLoop()
        guard partition.state == .revoking, partition.outstanding == 0 else { return }
        if let revocation, revocation.isWaiting, !revocation.isBusy { revocationDrained() }
    }

    private func revocationDrained() {
        guard let revocation else { return }
        revocation.stopWaiting()
        switch revocation.cause {
        case .bySubscription:
            offsets.storeNow()
            // Its revocation comes as a callback, and finds that the wait is over.
            if let topics = nextSubscription.take() { apply(topics) }
        case .byGroup:
            confirmRevocation()
        }
    }

    /// Lets the partitions go; nothing is stored when the assignment is lost.
    func confirmRevocation() {
        guard let handle, let revocation else { return }
        if rd_kafka_assignment_lost(handle) == 0 { offsets.storeNow() }
        let leaving = isCooperative ? revocation.partitions : partitions
        // The application's pause outlives an assignment in librdkafka.
        window.resume(leaving)
        letGo(leaving)
        if isCooperative {
            leaving.withLibrdkafkaList { list, _ in
                if let error = rd_kafka_incremental_unassign(handle, list) { refused("the revocation", error) }
            }
        } else {
            let code = rd_kafka_assign(handle, nil)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { log.warning("the revocation failed: \(code.text)") }
        }
        if let topics = nextSubscription.take() { apply(topics) }
    }

    /// What becomes of messages of these partitions concerns nobody any more.
    func letGo(_ leaving: [AssignedPartition]) {
        revocation?.stopWaiting()
        revocation = nil
        for partition in leaving { partition.endRevocation() }
        if !leaving.isEmpty { receiver?.revoked() }
        assigned.replace(with: partitions.filter { $0.state != .revoked })
        window.unblock()
    }

    func refused(_ what: String, _ error: OpaquePointer) {
        log.warning("\(what) failed: \(String(cString: rd_kafka_error_string(error)))")
        rd_kafka_error_destroy(error)
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
            monitor.ended("the consumer failed for good, and takes a restart of the host: \(reason)")
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
