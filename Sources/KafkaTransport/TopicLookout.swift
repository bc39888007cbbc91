internal import CRdkafka
internal import NIOCore
internal import NIOPosix

/// Asks how many partitions topics have, one question at a time, off the loop since librdkafka's question blocks.
final class TopicLookout {
    /// Between an answer and the next question.
    private static let interval = TimeAmount.seconds(2)
    /// How long a broker may take to answer for one topic, in milliseconds.
    private static let timeout: CInt = 2000

    private let eventLoop: any EventLoop
    private var isAsking = false
    private var timer: Scheduled<Void>?

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Asks now; while a question is open, its answer has to do.
    ///
    /// - Parameter answer: gets each topic's partitions, on the loop. A topic that is not there has 0; one that no
    ///   broker told of in time is missing.
    func ask(_ client: KafkaClient, of topics: [String], answer: @escaping ([String: Int32]) -> Void) {
        rest()
        guard !isAsking else { return }
        isAsking = true
        let asked = AskedClient(client: client)
        let promise = eventLoop.makePromise(of: [String: Int32].self)
        NIOThreadPool.singleton.submit { _ in
            promise.succeed(asked.partitionCounts(of: topics, timeout: Self.timeout))
        }
        promise.futureResult.assumeIsolated().whenSuccess { counts in
            self.isAsking = false
            answer(counts)
        }
    }

    /// Calls `question` when it is time to ask again.
    func askAgain(_ question: @escaping () -> Void) {
        timer = eventLoop.assumeIsolated().scheduleTask(in: Self.interval, question)
    }

    /// Calls no question that was put off.
    func rest() {
        timer?.cancel()
        timer = nil
    }
}

/// A client on a thread that only asks it for metadata, which librdkafka allows from any thread.
private struct AskedClient: @unchecked Sendable {
    let client: KafkaClient

    /// Topics that no broker told of in time are missing; a topic that is not there has 0 partitions.
    func partitionCounts(of topics: [String], timeout: CInt) -> [String: Int32] {
        var counts: [String: Int32] = [:]
        for name in topics {
            guard let topic = rd_kafka_topic_new(client.handle, name, nil) else { continue }
            defer { rd_kafka_topic_destroy(topic) }
            var metadata: UnsafePointer<rd_kafka_metadata>?
            guard rd_kafka_metadata(client.handle, 0, topic, &metadata, timeout) == RD_KAFKA_RESP_ERR_NO_ERROR,
                let metadata
            else { break }
            defer { rd_kafka_metadata_destroy(metadata) }
            guard metadata.pointee.topic_cnt > 0 else { continue }
            switch metadata.pointee.topics[0].err {
            case RD_KAFKA_RESP_ERR_NO_ERROR: counts[name] = metadata.pointee.topics[0].partition_cnt
            case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: counts[name] = 0
            default: continue
            }
        }
        return counts
    }
}
