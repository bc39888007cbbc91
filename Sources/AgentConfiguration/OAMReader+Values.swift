import Yams

// Each of these gives nil for a node that is not there, and reports one of the wrong kind with its line.
extension OAMReader {
    mutating func wrongKind(_ node: Node, _ path: String, _ expected: String) {
        report(node.mark?.line, "\(path): expected \(expected), not \(describe(node))")
    }

    func isNull(_ node: Node) -> Bool {
        node.tag == Tag(.null)
    }

    /// - Parameter line: where to report that the node is missing; nil when it may be.
    mutating func mapping(_ node: Node?, _ path: String, in line: Int?) -> Node.Mapping? {
        switch node {
        case .mapping(let fields)?:
            return fields
        case let other?:
            wrongKind(other, path, "a mapping")
        case nil:
            if let line { report(line, "\(path) is missing") }
        }
        return nil
    }

    mutating func string(_ node: Node?, _ path: String) -> String? {
        guard let node else { return nil }
        guard node.tag == Tag(.str), case .scalar(let scalar) = node, !scalar.string.isEmpty else {
            wrongKind(node, path, "text")
            return nil
        }
        return scalar.string
    }

    mutating func objectName(_ node: Node?, _ path: String) -> String? {
        guard let node, let name = string(node, path) else { return nil }
        guard Setting.Kind.isObjectName(name) else {
            report(node.mark?.line, "\(path): expected \(Setting.Kind.objectName.expectation), not \"\(name)\"")
            return nil
        }
        return name
    }

    mutating func boolean(_ node: Node?, _ path: String) -> Bool? {
        guard let node else { return nil }
        guard let truth = node.bool else {
            wrongKind(node, path, "true or false")
            return nil
        }
        return truth
    }

    mutating func strings(_ node: Node?, _ path: String) -> [String] {
        guard let node, !isNull(node) else { return [] }
        guard case .sequence(let items) = node else {
            wrongKind(node, path, "a list of topics")
            return []
        }
        return items.enumerated().compactMap { string($0.element, "\(path)[\($0.offset)]") }
    }

    /// The text of any scalar: an author writes `PORT: 8080` and means the text.
    mutating func scalar(_ node: Node?, _ path: String) -> String? {
        guard let node else { return nil }
        guard case .scalar(let scalar) = node else {
            // Not described further: an environment value may be secret.
            report(node.mark?.line, "\(path): expected one value")
            return nil
        }
        return isNull(node) ? "" : scalar.string
    }

    private func describe(_ node: Node) -> String {
        switch node {
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .scalar(let scalar): isNull(node) ? "nothing" : "\"\(scalar.string)\""
        case .alias: "an alias"
        }
    }
}
