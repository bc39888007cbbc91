import AgentModel
import Foundation
import Testing

@testable import AgentConfiguration

@Suite("TLS settings")
struct TLSSettingsTests {
    /// Made once: openssl takes its time.
    private static let made = Result {
        let folder = try TemporaryFolder()
        return (
            folder, ours: try TestCertificates(in: folder, name: "ours"),
            others: try TestCertificates(in: folder, name: "others")
        )
    }

    private let folder: TemporaryFolder
    private let ours: TestCertificates
    private let others: TestCertificates

    init() throws { (folder, ours, others) = try Self.made.get() }

    private struct Watched {
        weak var file: PEMFile?
    }

    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    private func kafka(_ environment: [String: String], protocol name: String? = "SSL") throws -> TLSFiles? {
        var all = ["KAFKA_BOOTSTRAP_SERVERS": "k:9093"].merging(environment) { $1 }
        if let name { all["KAFKA_SECURITY_PROTOCOL"] = name }
        return try AgentConfig(.init(environment: all)).tls().kafka
    }

    private func complaint(_ environment: [String: String], protocol name: String? = "SSL") -> String {
        do {
            _ = try kafka(environment, protocol: name)
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    @Test("a path stays a path, and a text is a file that only this process reaches and that ends with it")
    func paths() throws {
        let secret = try text(ours.key)
        var files: TLSFiles? = try kafka([
            "KAFKA_SSL_CA": ours.authority, "KAFKA_SSL_CERT": try text(ours.certificate), "KAFKA_SSL_KEY": secret,
        ])
        #expect(files?.authority?.path == ours.authority)
        let path = try #require(files?.key?.path)
        #expect(try text(path) == secret.trimmingCharacters(in: .newlines))
        #expect(try text(try #require(files?.certificate?.path)).hasPrefix("-----BEGIN CERTIFICATE-----"))
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600 && status.st_nlink == 0)
        // Its descriptor ends with the object, and the file with that.
        let watched = Watched(file: files?.key)
        files = nil
        #expect(watched.file == nil)
    }

    @Test("the settings of MQTT serve as those of Kafka, and nothing is read without a broker to connect to")
    func mqtt() throws {
        let environment = ["MQTT_CA": ours.authority, "MQTT_CERT": ours.certificate, "MQTT_KEY": ours.key]
        let names = environment.merging(["MQTT_HOST": "m", "MQTT_PROTOCOL": "mqtts"]) { $1 }
        let files = try AgentConfig(.init(environment: names)).tls().mqtt
        #expect(files?.certificate?.path == ours.certificate && files?.key?.path == ours.key)
        #expect(try AgentConfig(.init(environment: ["MQTT_HOST": "m"])).tls().mqtt == nil)
        #expect(try AgentConfig(.init(environment: ["MQTT_CA": "/nowhere.pem"])).tls().mqtt == nil)
    }

    @Test("line ends of a text may be written as \\n, and a certificate and its key may share a file")
    func spellings() throws {
        let escaped = try text(ours.authority).replacing("\n", with: "\\n")
        let files = try kafka(["KAFKA_SSL_CA": escaped])
        let read = try text(try #require(files?.authority?.path))
        #expect(try read.trimmingCharacters(in: .newlines) == text(ours.authority).trimmingCharacters(in: .newlines))
        try folder.write("Bag Attributes\n" + text(ours.key) + text(ours.certificate), to: "both.pem")
        let both = folder.path + "/both.pem"
        #expect(throws: Never.self) {
            try kafka(["KAFKA_SSL_CERT": both, "KAFKA_SSL_KEY": both])
        }
    }

    @Test("what cannot serve is named with its variable, what is wrong with it and what was expected")
    func complaints() throws {
        let key = try text(ours.key)
        let cut = try text(ours.authority).split(separator: "\n").dropLast(4).joined(separator: "\n")
        try folder.write(cut + "\n-----END CERTIFICATE-----\n", to: "cut.pem")
        try folder.write("no certificate\n", to: "words.pem")
        try folder.write(Data([0x30, 0x82, 0x01, 0x0a, 0x02]), to: "binary.der")
        let expected = "expected the path of a PEM file with certificates, or the PEM text itself"
        let cases: [([String: String], [String])] = [
            (["KAFKA_SSL_CA": "/nowhere/ca.pem"], ["KAFKA_SSL_CA=/nowhere/ca.pem", "there is no such file", expected]),
            (["KAFKA_SSL_CA": folder.path], ["KAFKA_SSL_CA=\(folder.path)", "that is no file", expected]),
            (["KAFKA_SSL_CA": folder.path + "/words.pem"], ["no PEM text in it", expected]),
            (["KAFKA_SSL_CA": folder.path + "/cut.pem"], ["CERTIFICATE 1 of it is damaged or cut off"]),
            (["KAFKA_SSL_CA": folder.path + "/binary.der"], ["DER", "openssl x509 -inform der"]),
            (["KAFKA_SSL_CA": ours.key], ["PRIVATE KEY and no CERTIFICATE"]),
            (["KAFKA_SSL_CA": key], ["KAFKA_SSL_CA=(PEM text)", "PRIVATE KEY and no CERTIFICATE"]),
            (["KAFKA_SSL_CERT": ours.certificate], ["KAFKA_SSL_KEY is not set: KAFKA_SSL_CERT needs it"]),
            (["KAFKA_SSL_KEY": ours.key], ["KAFKA_SSL_CERT is not set: KAFKA_SSL_KEY needs it"]),
            (
                ["KAFKA_SSL_CERT": ours.certificate, "KAFKA_SSL_KEY": others.key],
                ["KAFKA_SSL_KEY is not the key of the certificate in KAFKA_SSL_CERT"]
            ),
            (
                ["KAFKA_SSL_CERT": ours.certificate, "KAFKA_SSL_KEY": ours.certificate],
                ["KAFKA_SSL_KEY=", "CERTIFICATE and no PRIVATE KEY", "PEM file with a private key"]
            ),
            // Without its first line a key is no PEM text, and must not be taken for a path to show.
            (
                ["KAFKA_SSL_CERT": ours.certificate, "KAFKA_SSL_KEY": key.split(separator: "\n")[1...].joined()],
                ["KAFKA_SSL_KEY=****"]
            ),
        ]
        let secrets = key.split(separator: "\n").filter { !$0.hasPrefix("-") }
        for (environment, words) in cases {
            let text = complaint(environment)
            for word in words { #expect(text.contains(word), "\(environment.keys): \(text)") }
            for secret in secrets { #expect(!text.contains(secret)) }
        }
    }

    @Test("without TLS in the protocol certificates stop the start", arguments: [nil, "PLAINTEXT", "SASL_PLAINTEXT"])
    func inTheClear(name: String?) {
        let login = ["KAFKA_USERNAME": "u", "KAFKA_PASSWORD": "p", "KAFKA_SSL_CA": ours.authority]
        let text = complaint(login, protocol: name)
        #expect(text.contains("KAFKA_SECURITY_PROTOCOL=\(name ?? "PLAINTEXT")"), "\(text)")
        #expect(text.contains("expected SSL or SASL_SSL, as KAFKA_SSL_CA is set"), "\(text)")
    }

    @Test("an encrypted key needs its password, which MQTT does not take")
    func encrypted() throws {
        try TestCertificates.openssl(
            "pkey", "-in", ours.key, "-aes256", "-passout", "pass:sesame", "-out", folder.path + "/encrypted.pem")
        let key = folder.path + "/encrypted.pem"
        let pair = ["KAFKA_SSL_CERT": ours.certificate, "KAFKA_SSL_KEY": key]
        #expect(complaint(pair).contains("set KAFKA_SSL_KEY_PASSWORD"))
        let files = try kafka(pair.merging(["KAFKA_SSL_KEY_PASSWORD": "sesame"]) { $1 })
        #expect(files?.keyPassword == "sesame")
        let foreign = ["KAFKA_SSL_CERT": others.certificate, "KAFKA_SSL_KEY": key, "KAFKA_SSL_KEY_PASSWORD": "sesame"]
        #expect(complaint(foreign).contains("is not the key of the certificate"))
        let mqtt = try AgentConfig(
            .init(environment: [
                "MQTT_HOST": "m", "MQTT_PROTOCOL": "tls", "MQTT_CERT": ours.certificate, "MQTT_KEY": key,
            ]))
        #expect(throws: ConfigurationError.self) { try mqtt.tls() }
    }

    @Test("a listing shows paths, no text and no key")
    func listing() throws {
        let config = try AgentConfig(
            .init(environment: [
                "KAFKA_SSL_CA": ours.authority, "MQTT_CA": try text(ours.authority), "KAFKA_SSL_KEY": ours.key,
                "MQTT_KEY": try text(ours.key), "KAFKA_SSL_KEY_PASSWORD": "sesame",
            ]))
        let values = Dictionary(uniqueKeysWithValues: config.listing().map { ($0.name, $0.value) })
        #expect(values["kafka_ssl_ca"] == ours.authority && values["mqtt_ca"] == "(PEM text)")
        for name in ["kafka_ssl_key", "mqtt_key", "kafka_ssl_key_password"] { #expect(values[name] == "****") }
    }
}
