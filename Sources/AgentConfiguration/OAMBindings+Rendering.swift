import Yams

extension OAMBindings {
    /// `env`, `envFrom` and `volumeMounts` of the container and `volumes` of its pod, as YAML.
    func rendered() throws(OAMError) -> String {
        var sections: [(String, Node)] = []
        if !variables.isEmpty {
            sections.append(("env", Self.list(variables.map(Self.entry))))
        }
        if let identitySecret {
            let reference = Self.object([("name", Self.text(identitySecret)), ("optional", "true")])
            sections.append(("envFrom", Self.list([Self.object([("secretRef", reference)])])))
        }
        if !secrets.isEmpty {
            sections.append(("volumeMounts", Self.list(secrets.map(Self.mount))))
            sections.append(("volumes", Self.list(secrets.map(Self.volume))))
        }
        var head = "# What the component \(component) is given.\n"
        for note in notes { head += "# Note: \(note)\n" }
        guard !sections.isEmpty else { return head }
        do {
            return head + (try Yams.serialize(node: Self.object(sections)))
        } catch {
            throw OAMError(problems: [.init(file: component, line: nil, message: "cannot be rendered as YAML")])
        }
    }

    private static func entry(_ variable: OAMComponent.Variable) -> Node {
        switch variable.value {
        case .text: return object([("name", text(variable.name)), ("value", text(variable.shown))])
        case .reference(let kind, let name, let key):
            let reference = object([("name", text(name)), ("key", text(key))])
            return object([("name", text(variable.name)), ("valueFrom", object([(kind, reference)]))])
        }
    }

    private static func mount(_ secret: String) -> Node {
        object([
            ("name", text(secret)),
            ("mountPath", text("\(PlatformSecretLoader.defaultSecretsPath)/\(secret)")),
            ("readOnly", "true"),
        ])
    }

    /// Optional, for the host starts without a secret and picks it up when it comes.
    private static func volume(_ secret: String) -> Node {
        object([
            ("name", text(secret)),
            ("secret", object([("secretName", text(secret)), ("optional", "true")])),
        ])
    }

    private static func object(_ fields: [(String, Node)]) -> Node {
        .mapping(Node.Mapping(fields.map { (.scalar(Node.Scalar($0.0)), $0.1) }))
    }

    private static func list(_ items: [Node]) -> Node {
        .sequence(Node.Sequence(items))
    }

    /// Kubernetes wants environment values as strings, so what looks like a number or a truth value is quoted too.
    private static func text(_ text: String) -> Node {
        .scalar(Node.Scalar(text, Tag(.str), .doubleQuoted))
    }
}
