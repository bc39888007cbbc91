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

    func run() async throws {
        let logger = Logger(label: "agenthost") { _ in HostLogHandler(format: .text) }
        do {
            try await DevelopmentBrokers.run(readyFile: readyFile, logger: logger) { line in
                Console.line(line)
            }
        } catch let failure as HostFailure {
            fail(failure.description, code: failure.cause.rawValue)
        }
    }
}

struct SendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Puts one message into the brokers of a running host.")

    @Argument(help: "kafka:TOPIC, mqtt:TOPIC or event:TYPE.")
    var target: String

    @Argument(help: "The message, as JSON.")
    var message: String

    @Option(help: "The ready file of the host meant; without it, the host started last.")
    var readyFile: String?

    @Option(help: "The key of a Kafka message.")
    var key: String?

    func validate() throws {
        guard MessageTarget(target) != nil else {
            throw ValidationError("\(target): kafka:TOPIC, mqtt:TOPIC or event:TYPE expected")
        }
    }

    func run() async throws {
        guard let target = MessageTarget(target) else { return }
        do {
            Console.line(try await MessageSender.send(message, to: target, key: key, readyFile: readyFile))
        } catch let failure as HostFailure {
            fail(failure.description, code: failure.cause.rawValue)
        }
    }
}
