import AgentModel
import Foundation
import Glibc

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
        guard let data = Self.contents(of: path) else {
            throw Failure(
                description: "the environment file \(path) cannot be read: \(ErrorText.system(errno))")
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

    /// nil: it cannot be read, and `errno` says why.
    private static func contents(of path: String) -> Data? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            errno = EISDIR
            return nil
        }
        return try? handle.readToEnd() ?? Data()
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
