import AgentConfiguration
import AgentHosting
import AgentModel
import ArgumentParser
import Foundation
import Logging

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Loads the agents without any transport, and tells what they declare.")

    @Argument(help: "Lua scripts.")
    var scripts: [String]

    @OptionGroup
    var environment: EnvironmentOptions

    func run() async throws {
        let environment = environment.readOrEnd()
        do {
            for agent in try await ScriptCheck.run(scripts, environment: environment) {
                for line in agent.text { Console.line(line) }
                for warning in agent.warnings { Console.error("warning: \(warning)") }
            }
        } catch {
            Console.error("\(error)")
            throw ExitCode(1)
        }
    }
}

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Every setting of an agent, its value and where it came from.")

    @Argument(help: "A Lua script.")
    var script: String

    @Flag(help: "Only what differs from the defaults.")
    var diff = false

    @OptionGroup
    var environment: EnvironmentOptions

    func run() async throws {
        let environment = environment.readOrEnd()
        for stray in StrayVariable.all(in: environment.values) where !stray.isServiceLink {
            Console.error("\(stray)")
        }
        do {
            for line in try await ConfigurationListing.lines(
                script: script, environment: environment, onlyDifferences: diff)
            {
                Console.line(line)
            }
        } catch {
            Console.error("\(error)")
            throw ExitCode(1)
        }
    }
}

struct SecretsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secrets", abstract: "Which of a platform's secrets are found, missing, incomplete; never a value."
    )

    @Argument(help: "The platform's name.")
    var platform: String

    @OptionGroup
    var environment: EnvironmentOptions

    func run() async throws {
        let environment = environment.readOrEnd().values
        do {
            let config = try AgentConfig(.init(environment: environment))
            let loader = try PlatformSecretLoader(
                platform: platform, secretsPath: config.secretsPath, environment: environment,
                logger: HostLog(format: .text).logger)
            let report = SecretReport(await loader.load())
            for line in report.lines { Console.line(line) }
            if report.exitCode != 0 { throw ExitCode(report.exitCode) }
        } catch let error as ConfigurationError {
            fail(error.description, code: 1)
        }
    }
}

struct OAMCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "oam", abstract: "What an OAM application binds: platform, topics, environment.")

    @Argument(help: "An OAM application, as YAML.")
    var application: String

    @Argument(help: "One component of it.")
    var component: String?

    @Flag(help: "Prints the environment and the Secret references that the component would get.")
    var render = false

    func run() throws {
        do throws(OAMError) {
            let application = try OAMApplication(contentsOfFile: application)
            let names = component.map { [$0] } ?? application.services.map(\.name)
            for name in names {
                Console.line(
                    try render
                        ? application.rendered(component: name)
                        : application.bindings(component: name).lines.joined(separator: "\n"))
            }
        } catch {
            fail(error.description, code: 1)
        }
    }
}

struct TypesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "types", abstract: "Prints the LuaCATS definitions of the API, for editors.")

    func run() throws {
        StandardStream.output.put(PackageResources.agenthost_lua)
    }
}

extension OAMBindings {
    /// What a component binds, for people.
    var lines: [String] {
        var lines = ["component \(component)", "  platform   \(platform ?? "none")"]
        lines += topics.map { "  consumes   \($0)" } + produces.map { "  produces   \($0)" }
        lines += variables.sorted { $0.name < $1.name }.map { "  env        \($0.name)=\($0.shown)" }
        lines += secrets.map { "  secret     \($0)" }
        if let identitySecret { lines.append("  identity   \(identitySecret)") }
        return lines + notes.map { "  note       \($0)" }
    }
}
