import AgentModel
import Foundation

/// A file of environment variables, as `docker compose` and python-dotenv read it.
///
/// A variable in each line, `NAME=VALUE`, with or without `export` before it. A value without quotes ends with the line, or at
/// a `#` with a blank before it; in single quotes it is taken as it stands, in double quotes `\n`, `\r`, `\t`, `\"`, `\\` and
/// `\$` are what they are elsewhere, and in either it may have several lines. Nothing is expanded: `${NAME}` stays what it is,
/// which ``notices`` tell of.
package struct EnvironmentFile: Sendable {
    /// What is wrong with a file: `FILE:LINE: what was expected`. Never has anything of a value.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    struct Variable: Sendable, Equatable {
        let name: String
        let value: String
        /// Of its name, from 1.
        let line: Int
    }

    package let path: String
    /// In the order of the file; of a name that is there twice the last one holds.
    let variables: [Variable]
    /// What may be meant otherwise than it is taken, with file and line.
    package let notices: [String]

    /// A pipe does as well as a file: `--env-file <(…)`.
    package init(path: String) throws(Failure) {
        let data: Data
        do {
            data = try Self.contents(of: path)
        } catch {
            let code = (error as? CocoaError)?.underlying as? POSIXError
            let reason = code.map { ErrorText.system($0.code.rawValue) } ?? "it is no file that can be read"
            throw Failure(description: "the environment file \(path) cannot be read: \(reason)")
        }
        guard let text = String(validating: data, as: UTF8.self), !text.contains("\0") else {
            throw Failure(description: "\(path): expected NAME=VALUE in each line, as UTF-8 text")
        }
        try self.init(text: text, path: path)
    }

    init(text: String, path: String) throws(Failure) {
        var reader = EnvironmentFileReader(text, path: path)
        try reader.readAll()
        self.path = path
        variables = reader.variables
        notices = reader.notices
    }

    private static func contents(of path: String) throws -> Data {
        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        return try handle.readToEnd() ?? Data()
    }
}

/// The variables that a command goes by: those of its process, and below them those of files.
package struct GivenEnvironment: Sendable {
    package private(set) var values: [String: String]
    /// Where a variable is from that the process itself does not have, as `prod.env:12`.
    package private(set) var places: [String: String] = [:]
    /// What may be meant otherwise than it is taken.
    package let notices: [String]

    /// A variable that the process has, be it empty, is not taken from a file; of several files the last one wins.
    package init(process: [String: String], files: [EnvironmentFile] = []) {
        values = process
        notices = files.flatMap(\.notices)
        for file in files {
            for variable in file.variables where process[variable.name] == nil {
                values[variable.name] = variable.value
                places[variable.name] = "\(file.path):\(variable.line)"
            }
        }
    }

    /// With what is below the files too, of no place that a line could be named of.
    package func above(_ lower: [String: String]) -> GivenEnvironment {
        var all = self
        all.values = lower.merging(values) { $1 }
        return all
    }
}

// Values may be secret.
extension EnvironmentFile: CustomStringConvertible, CustomReflectable {
    package var description: String { "EnvironmentFile(\(path))" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension GivenEnvironment: CustomStringConvertible, CustomReflectable {
    package var description: String { "GivenEnvironment(\(values.count) variables)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
