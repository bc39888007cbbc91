/// What a component of an OAM application is given when it is deployed.
package struct OAMBindings: Sendable, Equatable {
    package let component: String
    /// The realtime platform; nil when the component uses none.
    package let platform: String?
    /// The Kafka topics it subscribes to.
    package let topics: [String]
    /// The topics it may write.
    package let produces: [String]
    /// The environment in the order it is set; a later one of the same name has replaced the earlier.
    package let variables: [OAMComponent.Variable]
    /// The platform's secrets, mounted below `/var/secrets`.
    package let secrets: [String]
    /// The identity component's connection secret; nil without `identity`.
    package let identitySecret: String?
    /// What a reader should know although it is no error.
    package let notes: [String]

    /// The environment by name, without what only a cluster knows. Values that an author wrote into the application may
    /// be secret.
    package var environment: [String: String] { Self.texts(of: variables) }

    static func texts(of variables: [OAMComponent.Variable]) -> [String: String] {
        variables.reduce(into: [:]) { texts, variable in
            if case .text(let text) = variable.value { texts[variable.name] = text }
        }
    }
}

// It may hold secrets, so neither describing nor dumping it shows its values.
extension OAMBindings: CustomStringConvertible, CustomReflectable {
    package var description: String { "OAMBindings(\(component))" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
