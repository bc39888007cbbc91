import AgentModel
import AgentScript
import Logging
import Synchronization
import Testing

@testable import AgentHosting

@Suite("The log")
struct HostLogTests {
    /// A log whose lines are kept.
    private final class Written: Sendable {
        private let lines = Mutex<[String]>([])

        func append(_ line: String) { lines.withLock { $0.append(line) } }

        var all: [String] { lines.withLock { $0 } }

        func log(_ format: LogFormat = .json) -> HostLog { HostLog(format: format) { self.append($0) } }

        /// The last line, as JSON.
        var last: JSONValue { (try? JSONValue(parsing: all.last ?? "")) ?? .null }
    }

    private static let fields: Logger.Metadata = [
        "whole": .stringConvertible(3), "part": .stringConvertible(2.5), "yes": .stringConvertible(true),
        "text": "007", "other": "\(7)", "beyond": .stringConvertible(UInt64.max), "not": .stringConvertible(Double.nan),
        "json": .stringConvertible(JSONValue.object(["a": [1, nil]])), "list": .array(["a", .stringConvertible(1)]),
        "object": .dictionary(["b": .stringConvertible(false)]), "message": "of its own", "empty": "",
    ]

    @Test("in JSON what was logged as a number or a truth value is one, and a text that looks like one is not")
    func json() {
        let written = Written()
        written.log().logger.info("done", metadata: Self.fields)
        let line = written.last
        #expect(line["level"] == "info" && line["message"] == "done" && line["field_message"] == "of its own")
        #expect(line["whole"] == 3 && line["part"] == 2.5 && line["yes"] == true)
        #expect(line["text"] == "007" && line["other"] == "7" && line["empty"] == nil)
        #expect(line["beyond"] == "18446744073709551615" && line["not"] == "nan")
        #expect(line["json"] == ["a": [1, nil]] && line["list"] == ["a", 1] && line["object"] == ["b": false])
        #expect(written.all.count == 1 && written.all[0].hasSuffix("}\n"))
    }

    @Test("in text a field is told as it is, and in quotes where its end would not be seen")
    func text() throws {
        let written = Written()
        written.log(.text).logger.info(
            "done",
            metadata: [
                "n": .stringConvertible(3), "who": "a b", "json": .stringConvertible(JSONValue.object(["a": 1])),
                "task_id": "t", "correlation_id": "t", "traceback": "stack traceback:\n\ta.lua:1: in main chunk",
            ])
        let line = try #require(written.all.first)
        #expect(line.contains(#" INFO done json="{\"a\":1}" n=3 task_id=t who="a b""#), "\(line)")
        #expect(line.hasSuffix("\nstack traceback:\n\ta.lua:1: in main chunk\n"))
    }

    // MARK: The level

    @Test("debugging goes on and off again, and both are said at notice, whatever level is configured")
    func toggle() {
        for level in [Logger.Level.info, .notice, .error, .critical] {
            let written = Written()
            let log = written.log()
            log.configure(level)
            let logger = log.logger
            #expect(logger.logLevel == level)
            log.toggleDebugging()
            #expect(logger.logLevel == .debug && log.logger.logLevel == .debug)
            #expect(written.last["level"] == "notice" && written.last["log_level"] == "debug")
            logger.debug("seen")
            #expect(written.last["message"] == "seen")
            log.toggleDebugging()
            #expect(logger.logLevel == level)
            #expect(written.last["level"] == "notice" && written.last["log_level"] == .string(level.rawValue))
            #expect(written.all.count == 3)
        }
    }

    @Test("a level that tells as much as debug stays, and a logger with a level of its own keeps it")
    func stays() {
        for level in [Logger.Level.trace, .debug] {
            let written = Written()
            let log = written.log()
            log.configure(level)
            for _ in 0..<2 {
                log.toggleDebugging()
                #expect(log.level == level && written.last["log_level"] == .string(level.rawValue))
            }
        }
        let log = Written().log()
        var own = log.logger
        own.logLevel = .error
        log.toggleDebugging()
        #expect(own.logLevel == .error && log.level == .debug)
    }

    // MARK: The same trouble

    /// A limit whose seconds end when the test says so.
    private final class Seconds: Sendable {
        let written = Mutex<[(message: String, more: Int)]>([])
        private let due = Mutex<[@Sendable () -> Void]>([])

        func limit() -> TroubleLimit {
            TroubleLimit(
                after: { [self] seconds, work in
                    #expect(seconds == 1)
                    due.withLock { $0.append(work) }
                },
                write: { [self] line, more in written.withLock { $0.append((line.message, more)) } })
        }

        func end() {
            let works = due.withLock { due in
                defer { due = [] }
                return due
            }
            for work in works { work() }
        }

        var isWaiting: Bool { due.withLock { !$0.isEmpty } }

        func take() -> [String] {
            written.withLock { written in
                defer { written = [] }
                return written.map { $0.more == 0 ? $0.message : "\($0.message) +\($0.more)" }
            }
        }
    }

    private static func line(
        _ message: Logger.Message, level: Logger.Level = .error, _ fields: Logger.Metadata = [:]
    ) -> LogLine {
        LogLine(
            LogEvent(
                level: level, message: message, metadata: fields, source: nil, file: "", function: "", line: 0),
            metadata: [:])
    }

    @Test("on a terminal a line has the time of the day, and its level a colour") func styled() {
        let line = LogLine(
            LogEvent(
                level: .error, message: "a\u{1B}[2Jb", metadata: ["n": "1"], source: nil, file: "", function: "",
                line: 0),
            metadata: [:], time: 1_767_323_045_678)
        #expect(line.text(.text) == "2026-01-02T03:04:05.678Z ERROR a\\u001b[2Jb n=1")
        #expect(
            line.text(.text, isStyled: true)
                == "\u{1B}[2m03:04:05.678Z \u{1B}[0m\u{1B}[31mERROR\u{1B}[0m a\\u001b[2Jb n=1")
        #expect(line.text(.json, isStyled: true).hasPrefix("{"))
    }

    @Test("the same trouble is told at once, and then once a second with how much more of it there was")
    func limit() {
        let seconds = Seconds()
        let limit = seconds.limit()
        for _ in 0..<50 { limit.tell(Self.line("away")) }
        limit.tell(Self.line("another"))
        #expect(seconds.take() == ["away", "another"])
        seconds.end()
        #expect(seconds.take() == ["away +48"])
        limit.tell(Self.line("away"))
        #expect(seconds.take() == [])
        seconds.end()
        #expect(seconds.take() == ["away"])
        seconds.end()
        #expect(seconds.take() == [] && !seconds.isWaiting)
        limit.tell(Self.line("away"))
        #expect(seconds.take() == ["away"])
    }

    @Test("what was kept back is told before the process ends, once")
    func flush() {
        let seconds = Seconds()
        let limit = seconds.limit()
        for _ in 0..<3 { limit.tell(Self.line("away")) }
        limit.flush()
        #expect(seconds.take() == ["away", "away +1"])
        limit.flush()
        seconds.end()
        #expect(seconds.take() == [])
    }

    @Test("troubles without number take bounded memory: beyond a thousand they count as one")
    func bounded() {
        let seconds = Seconds()
        let limit = seconds.limit()
        for number in 0..<3000 { limit.tell(Self.line("trouble \(number)")) }
        #expect(seconds.take().count == 1001)
        seconds.end()
        #expect(seconds.take() == ["trouble 2999 +1998"])
    }

    @Test(
        "what a handler says is the same trouble whatever ids stand in it; its line, its handler and the attempt are not"
    )
    func kinds() {
        func kind(_ message: Logger.Message, _ fields: Logger.Metadata = [:]) -> String {
            Self.line(message, fields.merging(["handler": "handler of in", "agent": "a"]) { own, _ in own }).kind
        }
        let first = kind(
            "agent.lua:12: no device d-17 in 7e6f1a5e-0000-4000", ["message_id": "in/0/1", "task_id": "x"])
        #expect(first == kind("agent.lua:12: no device d-18 in 8f6f1a5e-0001-4001", ["message_id": "in/3/99"]))
        #expect(first != kind("agent.lua:13: no device d-17 in 7e6f1a5e-0000-4000"))
        #expect(first != kind("agent.lua:12: no sensor d-17 in 7e6f1a5e-0000-4000"))
        #expect(first != kind("agent.lua:12: no device d-17 in 7e6f1a5e-0000-4000", ["handler": "task t"]))
        #expect(
            kind("attempt 1 of 3 failed", ["attempt": .stringConvertible(1)])
                != kind("attempt 2 of 3 failed", ["attempt": .stringConvertible(2)]))
        #expect(first != kind("agent.lua:12: no device d-17 in 7e6f1a5e-0000-4000", ["agent": "a2"]))
        func client(_ number: Int) -> String {
            Self.line("Kafka: refused after \(number) ms", ["kafka_client": "worker-\(number)"]).kind
        }
        #expect(client(1) == client(2))
        // Of the host's own lines every word counts.
        #expect(Self.line("KAFKA_1 is unknown").kind != Self.line("KAFKA_2 is unknown").kind)
        #expect(Self.line("away").kind != Self.line("away", level: .warning).kind)
    }

    @Test("warnings and errors of the host are limited, not its other lines, and never those of a script")
    func scripts() {
        let written = Written()
        let logger = written.log().logger
        for _ in 0..<5 {
            logger.error("host")
            logger.warning("host")
            logger.notice("host")
            logger.critical("host")
            logger.error("script", source: ScriptLogLevel.source)
        }
        let counts = Dictionary(grouping: written.all.compactMap { try? JSONValue(parsing: $0) }) {
            "\($0["message"] ?? "") \($0["level"] ?? "")"
        }.mapValues(\.count)
        #expect(counts[#""host" "error""#] == 1 && counts[#""host" "warning""#] == 1)
        #expect(counts[#""host" "notice""#] == 5 && counts[#""host" "critical""#] == 5)
        #expect(counts[#""script" "error""#] == 5)
    }
}
