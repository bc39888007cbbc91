internal import AgentModel
internal import CRdkafka
internal import NIOPosix

/// What librdkafka tells the owner of a client, on the owner's loop: its callbacks run inside the polls.
protocol KafkaClientOwner: AnyObject {
    /// `partitions` lives for the length of the call.
    func rebalanced(_ code: rd_kafka_resp_err_t, partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?)
    /// A commit was answered. `partitions` lives for the length of the call.
    func committed(_ code: rd_kafka_resp_err_t, partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?)
    /// `message` lives for the length of the call.
    func delivered(_ message: UnsafePointer<rd_kafka_message_t>)
    func clientFailed(_ code: rd_kafka_resp_err_t, reason: String)
    func statistics(_ json: UnsafePointer<CChar>)
    func logged(severity: Int, facility: String, text: String)
}

extension KafkaClientOwner {
    func rebalanced(_ code: rd_kafka_resp_err_t, partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) {}
    func committed(_ code: rd_kafka_resp_err_t, partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) {}
    func delivered(_ message: UnsafePointer<rd_kafka_message_t>) {}
}

/// Owns one `rd_kafka_t`.
///
/// Whoever holds something of the library's that belongs to the client (a message above all) holds the client too:
/// it is destroyed when the last of them is gone, on a thread of its own because that joins the library's threads.
final class KafkaClient {
    let handle: OpaquePointer
    private let context: Context

    /// What the library's callbacks are given.
    private final class Context {
        weak var owner: (any KafkaClientOwner)?
    }

    init(settings: KafkaSettings, role: KafkaSettings.Role, owner: any KafkaClientOwner) throws(KafkaError) {
        let configuration = try settings.makeConfiguration(for: role)
        context = Context()
        context.owner = owner
        rd_kafka_conf_set_opaque(configuration, Unmanaged.passUnretained(context).toOpaque())
        Self.setCallbacks(configuration, role)
        var reason = [CChar](repeating: 0, count: 512)
        let type = role == .consumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER
        guard let handle = rd_kafka_new(type, configuration, &reason, reason.count) else {
            rd_kafka_conf_destroy(configuration)
            var text = String(nulTerminated: reason)
            if text.contains("ssl.key.location failed"), settings.tls?.keyPassword != nil {
                text = "KAFKA_SSL_KEY_PASSWORD does not open the key of KAFKA_SSL_KEY"
            }
            throw KafkaError(.client, "no Kafka \(role.rawValue): \(text)")
        }
        self.handle = handle
        // nil: to the main queue, so that log lines arrive where everything else does.
        rd_kafka_set_log_queue(handle, nil)
    }

    deinit {
        let retired = Retired(handle: handle, context: context)
        NIOThreadPool.singleton.submit { _ in retired.destroy() }
    }

    private static func setCallbacks(_ configuration: OpaquePointer, _ role: KafkaSettings.Role) {
        rd_kafka_conf_set_error_cb(configuration) { _, code, reason, opaque in
            let text = reason.map { String(cString: $0) } ?? ""
            KafkaClient.owner(opaque)?.clientFailed(rd_kafka_resp_err_t(code), reason: text)
        }
        rd_kafka_conf_set_stats_cb(configuration) { _, json, _, opaque in
            if let json { KafkaClient.owner(opaque)?.statistics(json) }
            return 0
        }
        rd_kafka_conf_set_log_cb(configuration) { handle, severity, facility, text in
            guard let handle, let facility, let text else { return }
            KafkaClient.owner(rd_kafka_opaque(handle))?
                .logged(severity: Int(severity), facility: String(cString: facility), text: String(cString: text))
        }
        switch role {
        case .consumer:
            rd_kafka_conf_set_rebalance_cb(configuration) { _, code, partitions, opaque in
                KafkaClient.owner(opaque)?.rebalanced(code, partitions: partitions)
            }
            rd_kafka_conf_set_offset_commit_cb(configuration) { _, code, partitions, opaque in
                KafkaClient.owner(opaque)?.committed(code, partitions: partitions)
            }
        case .producer:
            rd_kafka_conf_set_dr_msg_cb(configuration) { _, message, opaque in
                if let message { KafkaClient.owner(opaque)?.delivered(message) }
            }
        }
    }

    private static func owner(_ opaque: UnsafeMutableRawPointer?) -> (any KafkaClientOwner)? {
        opaque.flatMap { Unmanaged<Context>.fromOpaque($0).takeUnretainedValue().owner }
    }

    /// The end of a client, handed to one other thread, which is then the only one that has it.
    private struct Retired: @unchecked Sendable {
        let handle: OpaquePointer
        let context: Context

        func destroy() {
            // Closing, where there is something to close, was done before; this must not wait for a broker.
            rd_kafka_destroy_flags(handle, CInt(RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE))
        }
    }
}

extension rd_kafka_resp_err_t {
    /// librdkafka's words for the code, such as `Broker: Unknown topic or partition`.
    var text: String { String(cString: rd_kafka_err2str(self)) }
}
