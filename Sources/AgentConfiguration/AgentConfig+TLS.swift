package import AgentModel
import NIOSSL

extension AgentConfig {
    /// What the connections to Kafka and to MQTT trust and show; nil: nothing is configured for them. Reads the files.
    ///
    /// - Throws: everything that is wrong with the settings of certificates and keys.
    package func tls() throws(ConfigurationError) -> (kafka: TLSFiles?, mqtt: TLSFiles?) {
        var problems: [ConfigurationError.Problem] = []
        var found: [TLSFiles?] = []
        for (field, variables) in [
            ("kafka_bootstrap_servers", TLSVariables.kafka), ("mqtt_host", TLSVariables.mqtt),
        ] {
            do throws(ConfigurationError) {
                // Without a broker there is nothing to connect to.
                let isUsed = text(field) != nil
                found.append(try isUsed ? tlsFiles(variables) : nil)
            } catch {
                problems += error.problems
            }
        }
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
        return (found[0], found[1])
    }

    /// The settings of one transport, by their variables.
    private struct TLSVariables {
        let authority: String
        let certificate: String
        let key: String
        /// nil: an encrypted key cannot be used.
        let password: String?
        let wireProtocol: String
        /// The values of `wireProtocol` that mean TLS.
        let encrypted: [String]

        var all: [String] { [authority, certificate, key] + [password].compactMap { $0 } }

        static let kafka = TLSVariables(
            authority: "KAFKA_SSL_CA", certificate: "KAFKA_SSL_CERT", key: "KAFKA_SSL_KEY",
            password: "KAFKA_SSL_KEY_PASSWORD", wireProtocol: "KAFKA_SECURITY_PROTOCOL", encrypted: ["SSL", "SASL_SSL"])
        static let mqtt = TLSVariables(
            authority: "MQTT_CA", certificate: "MQTT_CERT", key: "MQTT_KEY", password: nil,
            wireProtocol: "MQTT_PROTOCOL",
            encrypted: MQTTSettings.WireProtocol.allCases.filter { $0.usesTLS && !$0.usesWebSocket }.map(\.rawValue))
    }

    private func tlsFiles(_ names: TLSVariables) throws(ConfigurationError) -> TLSFiles? {
        let given = names.all.filter { self.given($0) != nil }
        guard let first = given.first else { return nil }
        var problems: [ConfigurationError.Problem] = []
        let wireProtocol = self.given(names.wireProtocol)
        if !names.encrypted.contains(wireProtocol?.value ?? "") {
            // In the clear all the same would be the opposite of what was asked for.
            problems.append(
                .init(
                    variable: names.wireProtocol,
                    description: "\(names.wireProtocol)=\(wireProtocol?.value ?? "") "
                        + "(\(wireProtocol?.origin.description ?? "not set")): expected "
                        + names.encrypted.joined(separator: " or ") + ", as \(first) is set"))
        }
        for (has, lacks) in [(names.key, names.certificate), (names.certificate, names.key)]
        where given.contains(has) && !given.contains(lacks) {
            problems.append(.required(lacks, by: has))
        }
        if let password = names.password, given.contains(password), !given.contains(names.key) {
            problems.append(.required(names.key, by: password))
        }
        var found: [String: PEMSetting] = [:]
        for name in [names.authority, names.certificate, names.key] {
            do throws(ConfigurationError) {
                found[name] = try pem(name)
            } catch {
                problems += error.problems
            }
        }
        let password = names.password.flatMap { self.given($0)?.value }
        if let certificate = found[names.certificate], let key = found[names.key] {
            if key.isEncrypted, password == nil {
                let remedy = names.password.map { "set \($0), or " } ?? ""
                problems.append(
                    .init(
                        variable: names.key,
                        description: "\(names.key): the private key is encrypted; \(remedy)write it without a password "
                            + "(`openssl pkey -in KEY -out PLAIN`)"))
            } else if !Self.belong(certificate, key, password: password) {
                problems.append(
                    .init(
                        variable: names.key,
                        description: "\(names.key) is not the key of the certificate in \(names.certificate): expected "
                            + "the one that the first certificate there was made for"))
            }
        }
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
        return TLSFiles(
            authority: try found[names.authority]?.file(), certificate: try found[names.certificate]?.file(),
            key: try found[names.key]?.file(), keyPassword: password)
    }

    private func pem(_ variable: String) throws(ConfigurationError) -> PEMSetting? {
        guard let setting = Setting.named(variable.lowercased()), case .pem(let contents) = setting.kind,
            let (value, origin) = given(variable)
        else { return nil }
        return try PEMSetting(setting, value: value, origin: origin, contents: contents)
    }

    private func given(_ variable: String) -> (value: String, origin: SettingOrigin)? {
        let field = variable.lowercased()
        guard let value = text(field), let origin = origin(of: field) else { return nil }
        return (value, origin)
    }

    /// False when the key is certainly not the certificate's: one of a kind that this library does not know may be.
    private static func belong(_ certificate: PEMSetting, _ key: PEMSetting, password: String?) -> Bool {
        guard let leaf = try? NIOSSLCertificate.fromPEMBytes(Array(certificate.text.utf8)).first,
            // Without a callback the library would ask for a password on the terminal.
            let key = try? NIOSSLPrivateKey(
                bytes: Array(key.text.utf8), format: .pem,
                passphraseCallback: { (answer: NIOSSLPassphraseSetter<[UInt8]>) in
                    answer(Array((password ?? "").utf8))
                })
        else { return true }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates([])
        configuration.certificateChain = [.certificate(leaf)]
        configuration.privateKey = .privateKey(key)
        do {
            _ = try NIOSSLContext(configuration: configuration)
            return true
        } catch NIOSSLError.failedToLoadPrivateKey {
            return false
        } catch {
            return true
        }
    }
}
