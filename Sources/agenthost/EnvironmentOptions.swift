import AgentConfiguration
import ArgumentParser
import Foundation

/// `--env-file`, of the commands that read settings.
struct EnvironmentOptions: ParsableArguments {
    @Option(
        name: .customLong("env-file"),
        help: """
            A file of environment variables for settings, NAME=VALUE in each line; those of the process win, and of \
            several files the last.
            """)
    var files: [String] = []

    /// The process's variables, above those of the files.
    func read() throws(EnvironmentFile.Failure) -> GivenEnvironment {
        try read(process: ProcessInfo.processInfo.environment)
    }

    /// The same, with what may be misunderstood said on standard error; ends the program when a file cannot be read.
    ///
    /// - Parameter isAlone: without the process's own, for what is to be the same wherever it runs.
    func readOrEnd(isAlone: Bool = false) -> GivenEnvironment {
        do throws(EnvironmentFile.Failure) {
            let environment = try isAlone ? read(process: [:]) : read()
            for notice in environment.notices { Console.error(notice) }
            return environment
        } catch {
            fail(error.description, code: 1)
        }
    }

    private func read(process: [String: String]) throws(EnvironmentFile.Failure) -> GivenEnvironment {
        var read: [EnvironmentFile] = []
        for path in files { read.append(try EnvironmentFile(path: path)) }
        return GivenEnvironment(process: process, files: read)
    }
}
