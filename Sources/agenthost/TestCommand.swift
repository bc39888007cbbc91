import AgentConfiguration
import AgentHosting
import AgentModel
import AgentScript
import AgentTesting
import ArgumentParser
import Foundation

extension TestReport.Format: ExpressibleByArgument {}

struct TestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Runs the tests of agents: *_test.lua files, without a network.",
        discussion: "Exits with 0 when every test has passed, 1 when one has failed, 2 when there is none to run.")

    @Argument(help: "Files of tests, and directories to search for *_test.lua.")
    var paths: [String] = ["."]

    @Option(help: "text, tap or junit.")
    var format = TestReport.Format.text

    @Option(help: "Runs only the tests with this in their name.")
    var filter: String?

    @Option(help: "Seconds of computing that one test may take.")
    var timeout = 10.0

    @OptionGroup
    var environment: EnvironmentOptions

    func validate() throws {
        guard timeout > 0, timeout <= 86_400 else { throw ValidationError("--timeout: more than 0 seconds expected") }
    }

    func run() async throws {
        let files: [String]
        do throws(TestDiscovery.MissingPath) {
            files = try TestDiscovery.files(below: paths)
        } catch {
            fail(error.description, code: 2)
        }
        if files.isEmpty { fail("no *_test.lua below \(paths.joined(separator: ", "))", code: 2) }
        // Not what the process has: a test is to be the same wherever it runs.
        let given = environment.readOrEnd(isAlone: true).values
        let runner = TestRunner(
            timeLimit: timeout, filter: filter,
            settings: { (agent, environment) throws(ScriptFailure) in
                try ConfigurationResolver(flags: [:], environment: given.merging(environment) { $1 }).settings(
                    for: agent)
            },
            output: { Console.error("\($0)") })
        var report = TestReport(format: format, showsCoverage: filter == nil)
        for file in files {
            Self.write(report.add(await runner.run(file)))
        }
        Self.write(report.end())
        if report.failureCount > 0 { throw ExitCode(1) }
        if report.testCount == 0 {
            fail(filter.map { "no test has \"\($0)\" in its name" } ?? "the files declare no tests", code: 2)
        }
    }

    private static func write(_ text: String) {
        Console.write(text)
    }
}
