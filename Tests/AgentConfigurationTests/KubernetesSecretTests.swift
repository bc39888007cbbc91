import AgentModel
import Foundation
import Logging
import NIOCore
import Synchronization
import Testing

@testable import AgentConfiguration

@Suite("Secrets of the Kubernetes API", .timeLimit(.minutes(1)))
struct KubernetesSecretTests {
    private static let token = "token-that-must-stay-hidden"
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Runs `body` with an API server and a loader whose service account it accepts.
    private func withAPI(_ body: (FakeKubernetesAPI, PlatformSecretLoader) async throws -> Void) async throws {
        let certificates = try TestCertificates(in: folder)
        let api = try await FakeKubernetesAPI(certificates, token: Self.token)
        try folder.write(Self.token + "\n", to: "account/token")
        try folder.write("shop", to: "account/namespace")
        try FileManager.default.copyItem(atPath: certificates.authority, toPath: folder.path + "/account/ca.crt")
        do {
            try await body(api, try loader(port: api.port))
        } catch {
            try await api.stop()
            throw error
        }
        try await api.stop()
    }

    private func loader(port: Int) throws -> PlatformSecretLoader {
        try PlatformSecretLoader(
            platform: "demo", secretsPath: folder.path + "/secrets",
            environment: ["KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": String(port)],
            serviceAccountPath: folder.path + "/account",
            // The server runs on the same processors as the rest of the tests: no test here is about its slowness.
            patience: .seconds(30),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func reason(_ secret: PlatformSecret?) -> String {
        guard case .missing(let reason)? = secret?.state else { return "not missing" }
        return reason
    }

    @Test("an API whose port is none is not asked, and ends nothing", arguments: [0, 65_536, 99_999, -1])
    func impossiblePort(port: Int) async throws {
        try folder.write(Self.token, to: "account/token")
        let secrets = try await loader(port: port).load()
        #expect(reason(secrets[.kafka]).contains("does not exist"))
    }

    @Test("an absent directory's secret is read from the API with the service account's token")
    func read() async throws {
        try await withAPI { api, loader in
            api.put("demo-kafka-secret", ["KAFKA_BOOTSTRAP_SERVERS": "k:9092\n", "KAFKA_PASSWORD": "hush"])
            try folder.write("mounted", to: "secrets/demo-mqtt-secret/MQTT_HOST")
            let secrets = await loader.load()
            #expect(secrets[.kafka]?.isFound == true)
            #expect(secrets[.kafka]?.values["KAFKA_BOOTSTRAP_SERVERS"]?.exposed == "k:9092")
            #expect(secrets[.kafka]?.location == "Kubernetes secret shop/demo-kafka-secret")
            #expect(secrets[.mqtt]?.location == folder.path + "/secrets/demo-mqtt-secret")
            let requests = api.state.withLock { $0.requests.sorted() }
            #expect(
                requests == [
                    "GET /api/v1/namespaces/shop/secrets/demo-db-secret 404",
                    "GET /api/v1/namespaces/shop/secrets/demo-kafka-secret 200",
                    "GET /api/v1/namespaces/shop/secrets/demo-lenses-secret 404",
                    "GET /api/v1/namespaces/shop/secrets/demo-metabase-secret 404",
                ])
        }
    }

    @Test("a NotFound Status is a missing secret, and a 403 says what to grant")
    func refusals() async throws {
        try await withAPI { api, loader in
            api.state.withLock { $0.forbidden = ["demo-db-secret"] }
            let secrets = await loader.load()
            #expect(reason(secrets[.kafka]).contains("there is no Kubernetes secret shop/demo-kafka-secret"))
            #expect(reason(secrets[.db]).contains("may not be read (403): grant the service account \"get\""))
            #expect(SecretReport(secrets).exitCode == 1)
        }
    }

    @Test("a 401 reads the token anew and asks once more")
    func refreshedToken() async throws {
        try await withAPI { api, loader in
            api.put("demo-kafka-secret", ["KAFKA_BOOTSTRAP_SERVERS": "k:9092"])
            let folder = folder
            api.state.withLock { state in
                state.tokens = ["second"]
                state.onUnauthorized = { try? folder.write("second", to: "account/token") }
            }
            let secrets = await loader.load()
            #expect(secrets[.kafka]?.isFound == true)
            let asked = api.state.withLock { $0.requests.filter { $0.contains("kafka") } }
            #expect(asked.count <= 2 && asked.last?.hasSuffix(" 200") == true)
            #expect(api.state.withLock { $0.requests.contains { $0.hasSuffix(" 401") } })
        }
    }

    @Test("a token that stays refused is reported after two attempts, without the token")
    func refusedToken() async throws {
        try await withAPI { api, loader in
            api.state.withLock { $0.tokens = ["another"] }
            let secrets = await loader.load()
            #expect(reason(secrets[.kafka]).contains("does not accept the service account's token (401)"))
            #expect(api.state.withLock { $0.requests.filter { $0.contains("kafka") }.count } == 2)
            #expect(!SecretReport(secrets).lines.joined().contains(Self.token))
        }
    }

    @Test("bad base64, binary and empty keys are problems of their own")
    func badKeys() async throws {
        try await withAPI { api, loader in
            api.state.withLock { state in
                state.secrets["demo-mqtt-secret"] = [
                    "MQTT_HOST": Data("m".utf8).base64EncodedString(), "MQTT_USER": "%%%",
                    "MQTT_PASSWORD": Data([0xff, 0xfe]).base64EncodedString(), "MQTT_CLIENT_ID": "",
                ]
            }
            let secret = try #require(await loader.load()[.mqtt])
            #expect(secret.isFound)
            let place = "Kubernetes secret shop/demo-mqtt-secret key "
            #expect(secret.problems.count == 3)
            #expect(secret.problems.contains { $0.hasPrefix(place + "MQTT_USER is not base64") })
            #expect(secret.problems.contains { $0.hasPrefix(place + "MQTT_PASSWORD is not UTF-8") })
            #expect(secret.problems.contains { $0.hasPrefix(place + "MQTT_CLIENT_ID is empty") })
        }
    }

    @Test("an answer that is no Kubernetes object is a failure, not a missing secret")
    func strangeAnswers() async throws {
        try await withAPI { api, loader in
            for (status, body, expected) in [
                (200, "<html>", "the API's answer is no Secret object"), (404, "not here", "answered 404"),
                (500, "{}", "answered 500"), (302, "", "answered 302"),
            ] {
                api.state.withLock { $0.answer = (UInt(status), body) }
                #expect(reason(await loader.load()[.kafka]).contains(expected))
            }
        }
    }

    @Test("a server of another authority is not trusted and gets no token")
    func wrongAuthority() async throws {
        try await withAPI { api, loader in
            let other = try TestCertificates(in: folder, name: "other")
            try folder.remove("account/ca.crt")
            try FileManager.default.copyItem(atPath: other.authority, toPath: folder.path + "/account/ca.crt")
            #expect(reason(await loader.load()[.kafka]).contains("cannot be reached"))
            #expect(api.state.withLock { $0.requests.isEmpty })
        }
    }

    @Test("an API that is away, and a broken service account, are reported and nothing else fails")
    func away() async throws {
        try folder.write("t", to: "account/token")
        // Nothing listens on port 1 (tcpmux, RFC 1078) of a machine of today.
        let loader = try loader(port: 1)
        #expect(reason(await loader.load()[.kafka]).contains("account/ca.crt cannot be used"))
        let certificates = try TestCertificates(in: folder)
        try FileManager.default.copyItem(atPath: certificates.authority, toPath: folder.path + "/account/ca.crt")
        #expect(reason(await loader.load()[.kafka]).contains("the Kubernetes API at 127.0.0.1:1 cannot be reached"))
    }

    @Test("a secret rotated in the API is a change, an API that fails meanwhile is not")
    func rotation() async throws {
        try await withAPI { api, loader in
            api.put("demo-kafka-secret", ["KAFKA_BOOTSTRAP_SERVERS": "k:1"])
            let first = await loader.load()
            let polling = PlatformSecretLoader.Polling(
                directories: .milliseconds(5), kubernetes: .milliseconds(10), settling: .milliseconds(2))
            var changes = loader.changes(after: first, polling: polling).makeAsyncIterator()
            api.state.withLock { $0.answer = (503, "") }
            try folder.write("m", to: "secrets/demo-mqtt-secret/MQTT_HOST")
            let second = try #require(await changes.next())
            #expect(second.changedKinds(since: first) == [.mqtt])
            #expect(second[.kafka]?.isFound == true)
            api.state.withLock { $0.answer = nil }
            api.put("demo-kafka-secret", ["KAFKA_BOOTSTRAP_SERVERS": "k:2"])
            var third = try #require(await changes.next())
            // The reasons of what is still missing change with the API's return, which is a change of its own.
            while third[.kafka]?.values == second[.kafka]?.values { third = try #require(await changes.next()) }
            #expect(third[.kafka]?.values["KAFKA_BOOTSTRAP_SERVERS"]?.exposed == "k:2")
        }
    }
}
