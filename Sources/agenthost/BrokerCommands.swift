import AgentHosting
import ArgumentParser
import Foundation
import Logging

struct BrokerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker", abstract: "The development Kafka and MQTT brokers, in memory, as a process of their own."
    )

    @Option(help: "Written, as JSON, when the brokers accept traffic.")
    var readyFile: String?

    func validate() throws { try ReadyFile.check(readyFile) }

    func run() async throws {
        let logger = HostLog(format: .text).logger
        do {
            try await BrokerProcess.run(readyFile: readyFile, logger: logger) { line in
                Console.line(line)
            }
        } catch let failure as HostFailure {
            fail(failure.description, code: failure.cause.rawValue)
        }
    }
}

struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Puts one message into the brokers of a running host.",
        discussion: """
            Says which host it took. Examples: agenthost send kafka:orders '{"id": 7}'; \
            agenthost send mqtt:building/1/temp --raw 21.5; agenthost send event:custom_event - < event.json
            """)

    @Argument(help: "kafka:TOPIC, mqtt:TOPIC or event:TYPE.")
    var target: String

    @Argument(help: "The message, as JSON; - reads it from standard input.")
    var message: String

    @Option(help: "The ready file of the host meant; without it, the host started last.")
    var readyFile: String?

    @Option(help: "The process of the host meant; without it, the host started last.")
    var pid: Int32?

    @Option(help: "The key of a Kafka message.")
    var key: String?

    @Flag(help: "Sends the bytes as they are, which need not be JSON.")
    var raw = false

    func validate() throws {
        guard let parsed = MessageTarget(target) else {
            let meant = target.contains(":") || target.isEmpty ? "" : "; is kafka:\(target) meant, or mqtt:\(target)?"
            throw ValidationError("\(target): kafka:TOPIC, mqtt:TOPIC or event:TYPE expected\(meant)")
        }
        if case .event = parsed, raw { throw ValidationError("--raw: the data of an event is a JSON object") }
        if key != nil {
            guard case .kafka = parsed else { throw ValidationError("--key: only messages of Kafka have one") }
        }
        if readyFile != nil, pid != nil { throw ValidationError("--ready-file and --pid both name a host") }
    }

    func run() async throws {
        guard let target = MessageTarget(target) else { return }
        let bytes = message == "-" ? [UInt8](FileHandle.standardInput.readDataToEndOfFile()) : [UInt8](message.utf8)
        do {
            let receipt = try await MessageSender.send(
                bytes, to: target, key: key, isRaw: raw, choice: HostChoice(readyFile: readyFile, process: pid))
            Console.line(receipt.text)
            if let choice = receipt.choice { Console.error(choice) }
        } catch let failure as HostFailure {
            fail(failure.description, code: failure.cause.rawValue)
        }
    }
}
