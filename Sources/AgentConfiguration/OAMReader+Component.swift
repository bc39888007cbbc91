import Yams

extension OAMReader {
    mutating func component(_ node: Node, _ path: String) -> OAMComponent? {
        guard case .mapping(let fields) = node else {
            wrongKind(node, path, "a mapping with name, type and properties")
            return nil
        }
        let line = node.mark?.line ?? 1
        for required in ["name", "type"] where fields[required] == nil {
            report(line, "\(path).\(required) is missing")
        }
        guard let name = string(fields["name"], path + ".name"), let type = string(fields["type"], path + ".type")
        else { return nil }
        var component = OAMComponent(name: name, type: type, line: line)
        guard let properties = fields["properties"], !isNull(properties) else { return component }
        guard case .mapping(let values) = properties else {
            wrongKind(properties, "\(name): properties", "a mapping")
            return component
        }
        if component.serviceType == nil {
            // The properties of infrastructure are its definition's business; only a platform's name matters here.
            component.instanceName = values["name"]?.string
        } else {
            bind(&component, values)
        }
        return component
    }

    private mutating func bind(_ component: inout OAMComponent, _ values: Node.Mapping) {
        let place = component.name + ": "
        component.instanceName = values["name"]?.string
        component.realtime = objectName(values["realtime"], place + "realtime")
        component.websocket = boolean(values["websocket"], place + "websocket")
        component.role = role(values["role"], place + "role")
        component.identity = objectName(values["identity"], place + "identity")
        component.streaming = streaming(values["streaming"], place + "streaming")
        component.consumes = topics(values["consumes"], place + "consumes")
        component.produces = topics(values["produces"], place + "produces")
        // `env` is what KubeVela's own webservice has.
        component.environment =
            environment(values["environment"], place + "environment") + environment(values["env"], place + "env")
    }

    private mutating func role(_ node: Node?, _ path: String) -> String? {
        guard let node, let role = string(node, path) else { return nil }
        guard OAMComponent.roles.contains(role) else {
            let expected = "one of \(OAMComponent.roles.joined(separator: ", "))"
            report(node.mark?.line, "\(path): expected \(expected), not \"\(role)\"")
            return nil
        }
        return role
    }

    private mutating func streaming(_ node: Node?, _ path: String) -> OAMComponent.Streaming? {
        guard let node, let fields = mapping(node, path, in: nil) else { return nil }
        let topics = strings(fields["topics"], path + ".topics")
        return OAMComponent.Streaming(
            isEnabled: boolean(fields["enabled"], path + ".enabled") ?? true,
            topics: topics,
            consumerGroup: string(fields["consumerGroup"], path + ".consumerGroup")
        )
    }

    /// A list of topics, or a mapping from the names their variables get to the topics.
    private mutating func topics(_ node: Node?, _ path: String) -> [OAMComponent.Topic] {
        guard case .mapping(let names)? = node else {
            return strings(node, path).map { .init(name: Self.variableName($0), topic: $0) }
        }
        return names.compactMap { key, value in
            let name = key.string ?? ""
            return string(value, "\(path).\(name)").map { .init(name: Self.variableName(name), topic: $0) }
        }
    }

    /// A mapping from names to values, or a list of `name` and `value` as containers have it.
    private mutating func environment(_ node: Node?, _ path: String) -> [OAMComponent.Variable] {
        switch node {
        case .mapping(let values)?:
            return values.compactMap { key, value in
                let name = key.string ?? ""
                return scalar(value, "\(path).\(name)").map { .init(name: name, value: .text($0)) }
            }
        case .sequence(let items)?:
            return items.enumerated().compactMap { index, item in
                let place = "\(path)[\(index)]"
                guard let fields = mapping(item, place, in: nil) else { return nil }
                guard let given = fields["name"] else {
                    report(item.mark?.line, "\(place).name is missing")
                    return nil
                }
                guard let name = string(given, place + ".name") else { return nil }
                if let source = fields["valueFrom"], fields["value"] == nil {
                    return reference(source, place + ".valueFrom").map { .init(name: name, value: $0) }
                }
                // As Kubernetes has it, a variable without a value is empty.
                guard let value = fields["value"] else { return .init(name: name, value: .text("")) }
                return scalar(value, place + ".value").map { .init(name: name, value: .text($0)) }
            }
        case let other?:
            if !isNull(other) { wrongKind(other, path, "a mapping from names to values") }
            return []
        case nil:
            return []
        }
    }

    /// `secretKeyRef` or `configMapKeyRef`, each with `name` and `key`.
    private mutating func reference(_ node: Node, _ path: String) -> OAMComponent.Variable.Value? {
        guard let source = mapping(node, path, in: nil) else { return nil }
        for kind in ["secretKeyRef", "configMapKeyRef"] {
            guard let named = source[kind] else { continue }
            guard let fields = mapping(named, "\(path).\(kind)", in: nil) else { return nil }
            for required in ["name", "key"] where fields[required] == nil {
                report(named.mark?.line, "\(path).\(kind).\(required) is missing")
            }
            guard let object = string(fields["name"], "\(path).\(kind).name"),
                let key = string(fields["key"], "\(path).\(kind).key")
            else { return nil }
            return .reference(kind: kind, object: object, key: key)
        }
        wrongKind(node, path, "secretKeyRef or configMapKeyRef")
        return nil
    }

    /// `topic` with what Kubernetes does not allow in a variable's name replaced.
    private static func variableName(_ topic: String) -> String {
        String(
            topic.map { character in
                character.isASCII && (character.isLetter || character.isNumber || "_-.".contains(character))
                    ? character : "_"
            })
    }
}
