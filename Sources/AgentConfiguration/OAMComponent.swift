import AgentModel

/// A component of an OAM application, with the properties that bind it to a realtime platform.
package struct OAMComponent: Sendable, Equatable {
    /// The kinds of component that run a service and so can be bound.
    package enum ServiceType: String, Sendable, CaseIterable {
        case webservice
        case realtimeService = "realtime-service"
    }

    /// The `streaming` property.
    package struct Streaming: Sendable, Equatable {
        package var isEnabled: Bool
        package var topics: [String]
        package var consumerGroup: String?
    }

    /// A topic of `consumes` or `produces`: the variable it becomes ends in `name`.
    package struct Topic: Sendable, Equatable {
        package let name: String
        package let topic: String
    }

    /// One entry of `environment` or `env`.
    package struct Variable: Sendable, Equatable {
        package enum Value: Sendable, Equatable {
            case text(String)
            /// `valueFrom`: `kind` is `secretKeyRef` or `configMapKeyRef`. Only a cluster knows the value.
            case reference(kind: String, object: String, key: String)
        }

        package let name: String
        package let value: Value

        /// The value for people: `****` for a secret, `secretKeyRef OBJECT/KEY` for a reference.
        package var shown: String {
            switch value {
            case .text(let text):
                let known = Setting.all.first { $0.variables.contains(name) }
                // Of other variables the name says whether they may be secret.
                let words = ["PASSWORD", "SECRET", "TOKEN", "KEY", "CREDENTIAL"]
                let isSecret = known?.isSecret ?? words.contains { name.uppercased().contains($0) }
                return isSecret ? Secret.mask : Secret.masked(text)
            case .reference(let kind, let object, let key): return "\(kind) \(object)/\(key)"
            }
        }
    }

    /// The roles that component definitions know; `webhook` brings a script of its own.
    static let roles = ["gateway", "ingest", "processor", "webhook"]

    package let name: String
    /// The type as written; nil in ``serviceType`` when it is none that can be bound.
    package let type: String
    /// The line of the component, from 1.
    package let line: Int

    /// The platform the service uses.
    package internal(set) var realtime: String?
    package internal(set) var websocket: Bool?
    package internal(set) var streaming: Streaming?
    package internal(set) var consumes: [Topic] = []
    package internal(set) var produces: [Topic] = []
    package internal(set) var role: String?
    /// The identity component whose connection secret the service gets.
    package internal(set) var identity: String?
    package internal(set) var environment: [Variable] = []
    /// The `name` property, which names a platform that `realtime` may refer to.
    package internal(set) var instanceName: String?

    init(name: String, type: String, line: Int) {
        self.name = name
        self.type = type
        self.line = line
    }

    /// What kind of service the component runs; nil for infrastructure.
    package var serviceType: ServiceType? { ServiceType(rawValue: type) }
}

// A value that an author wrote into the application may be secret.
extension OAMComponent.Variable: CustomStringConvertible, CustomReflectable {
    package var description: String { "\(name)=\(shown)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
