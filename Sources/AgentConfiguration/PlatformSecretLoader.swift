import AgentModel
import Foundation
package import Logging
package import NIOCore

/// Finds a realtime platform's secrets, `{platform}-{kafka|mqtt|db|metabase|lenses}-secret`: each a mounted directory,
/// or, where the directory is absent and the host runs in a pod, an object of the Kubernetes API.
package struct PlatformSecretLoader: Sendable {
    /// Where secrets are mounted when `SECRETS_PATH` does not say otherwise.
    package static let defaultSecretsPath = "/var/secrets"
    /// Where Kubernetes mounts a pod's service account.
    package static let defaultServiceAccountPath = "/var/run/secrets/kubernetes.io/serviceaccount"

    package let platform: String
    package let secretsPath: String
    let logger: Logger
    private let environment: [String: String]
    private let serviceAccountPath: String
    private let patience: TimeAmount

    /// - Parameters:
    ///   - platform: the platform's name, part of every secret's.
    ///   - environment: where `KUBERNETES_SERVICE_HOST` and its port are looked for.
    ///   - patience: how long the Kubernetes API may keep this waiting for a connection, or for more of an answer.
    /// - Throws: when `platform` cannot be part of a secret's name.
    package init(
        platform: String,
        secretsPath: String = defaultSecretsPath,
        environment: [String: String],
        serviceAccountPath: String = defaultServiceAccountPath,
        patience: TimeAmount = .seconds(5),
        logger: Logger
    ) throws(ConfigurationError) {
        guard Setting.Kind.isObjectName(platform) else {
            let expected = Setting.Kind.objectName.expectation
            throw ConfigurationError(problems: [
                .init(
                    variable: "REALTIME_PLATFORM",
                    description: "\"\(platform)\" cannot name a realtime platform: expected \(expected)")
            ])
        }
        self.platform = platform
        self.secretsPath = secretsPath
        self.environment = environment
        self.serviceAccountPath = serviceAccountPath
        self.patience = patience
        self.logger = logger
    }

    /// The loader for the platform that `layers` configure (flag, environment or script), nil when they configure none.
    /// - Throws: when the platform's name is wrong.
    package init?(
        _ layers: SettingLayers,
        serviceAccountPath: String = defaultServiceAccountPath,
        logger: Logger
    ) throws(ConfigurationError) {
        var resolution = SettingResolution(layers)
        for field in ["realtime_platform", "secrets_path"] {
            if let setting = Setting.named(field) { resolution.resolve(setting) }
        }
        guard resolution.problems.isEmpty else { throw ConfigurationError(problems: resolution.problems) }
        guard case .string(let platform)? = resolution.resolved["realtime_platform"]?.value else { return nil }
        var path = Self.defaultSecretsPath
        if case .string(let configured)? = resolution.resolved["secrets_path"]?.value { path = configured }
        try self.init(
            platform: platform, secretsPath: path, environment: layers.environment,
            serviceAccountPath: serviceAccountPath, logger: logger)
    }

    /// Reads all five secrets. Never fails: what cannot be had is reported in the result.
    package func load() async -> PlatformSecrets {
        await load(reusing: nil)
    }

    /// Reads all five secrets, but takes what the Kubernetes API would be asked for from `earlier` when there is one.
    func load(reusing earlier: PlatformSecrets?) async -> PlatformSecrets {
        var secrets: [PlatformSecretKind: PlatformSecret] = [:]
        var absent: [PlatformSecretKind] = []
        for kind in PlatformSecretKind.allCases {
            let name = kind.secretName(platform: platform)
            let path = directory(name)
            switch SecretDirectory(path: path).read() {
            case .read(let values, let problems):
                secrets[kind] = PlatformSecret(
                    kind, name: name, location: path, values: PlatformSecret.byVariable(values), problems: problems)
            case .unusable(let reason):
                secrets[kind] = PlatformSecret(missing: kind, name: name, location: path, reason: reason)
            case .absent:
                // A secret whose directory has just gone is not one the API was asked for.
                if let known = earlier?[kind], known.location != path || !known.isFound {
                    secrets[kind] = known
                } else {
                    absent.append(kind)
                }
            }
        }
        for secret in await fetch(absent) { secrets[secret.kind] = secret }
        return PlatformSecrets(platform: platform, secrets: PlatformSecretKind.allCases.compactMap { secrets[$0] })
    }

    /// Whether there is a Kubernetes API to ask.
    var isInCluster: Bool { api != nil }

    private var api: KubernetesAPI? {
        KubernetesAPI(environment: environment, serviceAccountPath: serviceAccountPath, patience: patience)
    }

    private func directory(_ name: String) -> String {
        (secretsPath.hasSuffix("/") ? secretsPath : secretsPath + "/") + name
    }

    private func fetch(_ kinds: [PlatformSecretKind]) async -> [PlatformSecret] {
        guard !kinds.isEmpty else { return [] }
        guard let api else {
            return kinds.map { kind in
                let name = kind.secretName(platform: platform)
                let path = directory(name)
                return PlatformSecret(
                    missing: kind, name: name, location: path,
                    reason: "\(path) does not exist, and this is no pod with a service account: mount the secret there")
            }
        }
        let answers = await api.secrets(named: kinds.map { $0.secretName(platform: platform) })
        return kinds.map { kind in
            let name = kind.secretName(platform: platform)
            let location = "Kubernetes secret \(api.namespace)/\(name)"
            switch answers[name] {
            case .read(let values, let problems):
                return PlatformSecret(
                    kind, name: name, location: location, values: PlatformSecret.byVariable(values),
                    problems: problems)
            case .failed(let reason):
                return PlatformSecret(
                    missing: kind, name: name, location: location,
                    reason: "\(directory(name)) does not exist, and \(reason)")
            case .notFound, nil:
                let remedy = "create the secret, or mount it"
                return PlatformSecret(
                    missing: kind, name: name, location: location,
                    reason: "\(directory(name)) does not exist, and there is no \(location): \(remedy)")
            }
        }
    }
}

// It may hold secrets, so neither describing nor dumping it shows its values.
extension PlatformSecretLoader: CustomStringConvertible, CustomReflectable {
    package var description: String { "PlatformSecretLoader(\(platform))" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
