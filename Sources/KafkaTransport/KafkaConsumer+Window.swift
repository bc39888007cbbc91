internal import CRdkafka
internal import NIOCore

extension KafkaConsumer {
    func block(on partition: AssignedPartition) {
        guard partition.state == .active, !partition.isPaused else { return }
        if partition.isSlow { return pause([partition]) }
        blockedOn = partition
        blockedTimer = eventLoop.assumeIsolated().scheduleTask(in: Self.patience) { [weak self] in
            guard let self, let partition = blockedOn else { return }
            unblock()
            if partition.state == .active { pause([partition]) }
        }
    }

    func unblock() {
        guard blockedOn != nil else { return }
        blockedOn = nil
        blockedTimer?.cancel()
        blockedTimer = nil
        schedulePoll()
    }

    func pause(_ partitions: [AssignedPartition]) {
        let pausing = partitions.filter { !$0.isPaused }
        guard !pausing.isEmpty, let handle else { return }
        withList(of: pausing) { list, _ in
            let code = rd_kafka_pause_partitions(handle, list)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { log.warning("partitions were not paused: \(code.text)") }
        }
        for partition in pausing {
            partition.isPaused = true
            partition.isSlow = true
        }
    }

    func resume(_ partitions: [AssignedPartition]) {
        let resuming = partitions.filter(\.isPaused)
        guard !resuming.isEmpty, let handle else { return }
        withList(of: resuming) { list, _ in
            let code = rd_kafka_resume_partitions(handle, list)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { log.warning("partitions were not resumed: \(code.text)") }
        }
        for partition in resuming { partition.isPaused = false }
    }

    /// A message of `partition` was acknowledged.
    func settled(_ partition: AssignedPartition, advanced: Bool) {
        if advanced, !partition.isDirty {
            partition.isDirty = true
            scheduleStore()
        }
        if blockedOn === partition {
            if partition.hasRoom(eighths: 6) { unblock() }
        } else if partition.isPaused, partition.state == .active, phase == .serving, partition.hasRoom(eighths: 4) {
            resume([partition])
        }
        if partition.isSlow, !partition.isPaused, partition.watermark.count == 0 { partition.isSlow = false }
        released(partition)
    }

    /// A message of `partition` was acknowledged or let go.
    func released(_ partition: AssignedPartition) {
        if partition.state == .revoking, partition.outstanding == 0 { revocationAdvanced() }
    }
}
