import AgentConfiguration
import AgentHosting
import ArgumentParser
import Foundation

/// The dead letters that their broker would never have taken, which hosts keep in `STATE_PATH`.
struct DeadLetterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dlq", abstract: "The dead letters that no broker took, kept in STATE_PATH.",
        subcommands: [List.self, Show.self, Replay.self, Drop.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Topics, with how many letters are kept and why.")

        @OptionGroup
        var environment: EnvironmentOptions

        func run() throws {
            try DeadLetterCommand.reporting {
                try SpoolListing.topics(environment: environment.readOrEnd().values)
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The letters of a topic.")

        @Argument(help: "The topic of dead letters, as orders.dlq.")
        var topic: String

        @OptionGroup
        var environment: EnvironmentOptions

        func run() throws {
            try DeadLetterCommand.reporting {
                try SpoolListing.letters(topic: topic, environment: environment.readOrEnd().values)
            }
        }
    }

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Has a running host send its kept letters again; those taken are kept no more.")

        @Argument(help: "The topic of dead letters; all unless named.")
        var topic: String?

        @Option(help: "The ready file of the host meant; without it, the host started last.")
        var readyFile: String?

        func run() async throws {
            do {
                Console.line(try await SpoolListing.replay(topic: topic, readyFile: readyFile))
            } catch let failure as HostFailure {
                fail(failure.description, code: failure.cause.rawValue)
            }
        }
    }

    struct Drop: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Throws kept letters of a topic away.")

        @Argument(help: "The topic of dead letters, as orders.dlq.")
        var topic: String

        @Argument(help: "The ids of letters, as `agenthost dlq show` has them; all of the topic unless named.")
        var ids: [String] = []

        @OptionGroup
        var environment: EnvironmentOptions

        func run() throws {
            try DeadLetterCommand.reporting {
                [try SpoolListing.drop(topic: topic, ids: ids, environment: environment.readOrEnd().values)]
            }
        }
    }

    fileprivate static func reporting(_ lines: () throws -> [String]) throws {
        do {
            for line in try lines() { Console.line(line) }
        } catch let failure as HostFailure {
            fail(failure.description, code: failure.cause.rawValue)
        } catch let error as ConfigurationError {
            fail(error.description, code: 1)
        }
    }
}
