import AgentModel
import AgentScript
import ArgumentParser
// To be linked: mimalloc takes the place of libc's malloc for everything in the process. Messages are made on one thread
// and let go on another by the thousand (librdkafka's, NIO's), which is what libc's allocator does slowest: it keeps seven
// blocks of a size for a thread, and locks for the next.
import CMimalloc
import Foundation

/// The command line. Its exit codes are the contract's: 0 clean, 1 the agent or its configuration is wrong, 2 wrong
/// usage, 3 a port or a development broker cannot be had.
@main
struct Entry {
    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if let first = arguments.first, ["version", "-V"].contains(first) {
            Console.line(AgentHostVersion.text)
            exit(0)
        }
        let commands = AgentHostCommand.configuration.subcommands.compactMap { $0.configuration.commandName }
        if let hint = CommandHint.text(for: arguments, commands: commands) { fail(hint, code: 2) }
        do {
            var command = try AgentHostCommand.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            let code = AgentHostCommand.exitCode(for: error)
            let message = AgentHostCommand.fullMessage(for: error)
            if code == .success {
                print(message)
                exit(0)
            }
            if !message.isEmpty { Console.error(message) }
            exit(code == .validationFailure ? 2 : code.rawValue)
        }
    }
}

struct AgentHostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agenthost",
        abstract: "Hosts agents written as Lua scripts on Kafka, MQTT, HTTP, WebSocket and Server-Sent Events.",
        version: AgentHostVersion.text,
        subcommands: [
            RunCommand.self, CheckCommand.self, ConfigCommand.self, SendCommand.self, BrokerCommand.self,
            SecretsCommand.self, TestCommand.self, TypesCommand.self, OAMCommand.self, DeadLetterCommand.self,
        ])
}

/// Ends the program with a message and an exit code of the contract.
func fail(_ message: String, code: Int32) -> Never {
    Console.error("agenthost: \(message)")
    exit(code)
}
