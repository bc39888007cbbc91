internal import Logging
internal import NIOCore

/// Passes on what librdkafka says, each line at most once in 10 seconds.
///
/// Lines that differ only in numbers (ports, times, counts) are the same line.
final class KafkaLog {
    private static let interval = TimeAmount.seconds(10)
    private static let remembered = 256

    private var logger: Logger
    private var lastTime: [String: NIODeadline] = [:]

    init(logger: Logger, clientID: String) {
        self.logger = logger
        self.logger[metadataKey: "kafka_client"] = "\(clientID)"
    }

    /// A line of librdkafka's own log; `severity` as in syslog(3), 0 to 7.
    func line(severity: Int, facility: String, text: String) {
        switch severity {
        case ...2: write(.error, text, facility)
        case 3...4: write(.warning, text, facility)
        case 5: write(.notice, text, facility)
        default: write(.debug, text, facility)
        }
    }

    func warning(_ text: String) { write(.warning, text, nil) }

    func notice(_ text: String) { write(.notice, text, nil) }

    func debug(_ text: String) { write(.debug, text, nil) }

    private func write(_ level: Logger.Level, _ text: String, _ facility: String?) {
        guard level >= logger.logLevel else { return }
        let now = NIODeadline.now()
        let key = String(
            decoding: text.utf8.filter { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }, as: UTF8.self)
        if let last = lastTime[key], now - last < Self.interval { return }
        if lastTime.count >= Self.remembered {
            lastTime = lastTime.filter { now - $0.value < Self.interval }
            if lastTime.count >= Self.remembered { lastTime.removeAll() }
        }
        lastTime[key] = now
        logger.log(level: level, "Kafka: \(text)", metadata: facility.map { ["facility": "\($0)"] })
    }
}
