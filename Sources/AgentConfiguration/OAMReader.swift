import Yams

/// Reads the Applications of a YAML text, keeping the line of everything for the errors.
struct OAMReader {
    private let yaml: String
    private let file: String
    private(set) var problems: [OAMError.Problem] = []

    init(yaml: String, file: String) {
        self.yaml = yaml
        self.file = file
    }

    mutating func read() throws(OAMError) -> (name: String, components: [OAMComponent]) {
        var applicationName: String?
        var components: [OAMComponent] = []
        for document in try documents() {
            guard let application = application(document) else { continue }
            applicationName = applicationName ?? application.name
            components += application.components
        }
        if applicationName == nil, problems.isEmpty {
            report(nil, "no Application of core.oam.dev in this file")
        }
        reportRepetitions(components)
        guard problems.isEmpty else {
            throw OAMError(problems: problems.sorted { ($0.line ?? 0) < ($1.line ?? 0) })
        }
        return (applicationName ?? "", components)
    }

    mutating func report(_ line: Int?, _ message: String) {
        problems.append(.init(file: file, line: line, message: message))
    }

    private mutating func reportRepetitions(_ components: [OAMComponent]) {
        var lines: [String: Int] = [:]
        for component in components {
            if let first = lines[component.name] {
                report(component.line, "component \"\(component.name)\" is there already, in line \(first)")
            } else {
                lines[component.name] = component.line
            }
        }
    }

    private mutating func documents() throws(OAMError) -> [Node] {
        var failure: (any Error)?
        var nodes: [Node] = []
        do {
            var sequence = try Yams.compose_all(yaml: yaml)
            while let node = sequence.next() { nodes.append(node) }
            failure = sequence.error
        } catch {
            failure = error
        }
        if let failure {
            report(failure)
            throw OAMError(problems: problems)
        }
        return nodes
    }

    private mutating func report(_ failure: any Error) {
        switch failure as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            if let line = tabbedLine(near: mark.line) {
                report(line, "a tab indents this line: YAML allows spaces only")
            } else {
                report(mark.line, problem)
            }
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.map { "\"\($0)\"" }.joined(separator: ", ")
            report(context.mark.line, "this mapping has a key more than once: \(keys)")
        case .reader(let problem, let offset, _, _):
            report(offset.map { yaml.prefix($0).count(where: \.isNewline) + 1 }, problem)
        default:
            report(nil, "this is no YAML")
        }
    }

    /// The line that a tab indents, when the scanner stopped there or at the end of the line before.
    private func tabbedLine(near line: Int) -> Int? {
        let lines = yaml.split(separator: "\n", omittingEmptySubsequences: false)
        return [line, line + 1, line - 1].first { number in
            guard lines.indices.contains(number - 1) else { return false }
            return lines[number - 1].prefix { $0 == " " || $0 == "\t" }.contains("\t")
        }
    }

    private mutating func application(_ document: Node) -> (name: String, components: [OAMComponent])? {
        guard case .mapping(let object) = document, object["kind"]?.string == "Application" else { return nil }
        let line = document.mark?.line
        guard let version = object["apiVersion"]?.string, version.hasPrefix("core.oam.dev/") else {
            report(object["apiVersion"]?.mark?.line ?? line, "apiVersion: expected core.oam.dev/v1beta1")
            return nil
        }
        var name = ""
        if let metadata = mapping(object["metadata"], "metadata", in: line) {
            name = string(metadata["name"], "metadata.name") ?? ""
            if metadata["name"] == nil { report(object["metadata"]?.mark?.line, "metadata.name is missing") }
        }
        guard let spec = mapping(object["spec"], "spec", in: line) else { return (name, []) }
        guard let list = spec["components"] else {
            report(object["spec"]?.mark?.line, "spec.components is missing")
            return (name, [])
        }
        guard case .sequence(let nodes) = list else {
            wrongKind(list, "spec.components", "a list of components")
            return (name, [])
        }
        return (name, nodes.enumerated().compactMap { component($0.element, "spec.components[\($0.offset)]") })
    }
}
