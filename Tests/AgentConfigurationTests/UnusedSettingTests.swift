import Testing

@testable import AgentConfiguration

@Suite("Settings that do nothing")
struct UnusedSettingTests {
    private func config(_ environment: [String: String]) throws -> AgentConfig {
        try AgentConfig(.init(environment: environment))
    }

    @Test(
        "an issuer of tokens refuses the start, by the name that is set, until a proxy is said to check them",
        arguments: ["JWT_ISSUER_URI", "AUTH0_ISSUER"])
    func issuer(variable: String) throws {
        let issuer = [variable: "https://issuer.example/?token=sesame"]
        let refusal = try #require(try config(issuer).refusal)
        #expect(
            refusal.hasPrefix("\(variable) is set (environment variable \(variable)), but tokens are not checked yet"))
        #expect(refusal.contains("AUTH_BY_PROXY=true") && !refusal.contains("sesame"))
        #expect(try config(issuer.merging(["AUTH_BY_PROXY": "false"]) { $1 }).refusal != nil)
        #expect(try config(issuer.merging(["AUTH_BY_PROXY": "true"]) { $1 }).refusal == nil)
        #expect(try config(["AUTH_BY_PROXY": "true"]).refusal == nil)
    }

    @Test("a schema registry, and a login that the protocol of Kafka does not have, are said to change nothing")
    func idle() throws {
        #expect(try config([:]).idle == [])
        let registry = try config(["KAFKA_SCHEMA_REGISTRY_URL": "http://u:sesame@r:8081"]).idle
        #expect(
            registry.count == 1 && registry[0].hasPrefix("KAFKA_SCHEMA_REGISTRY_URL is set, but no registry is asked"))
        #expect(!registry[0].contains("sesame"))
        let login = ["KAFKA_BOOTSTRAP_SERVERS": "k:9092", "KAFKA_USERNAME": "u", "KAFKA_PASSWORD": "sesame"]
        let lines = try config(login).idle
        #expect(lines.count == 1 && lines[0].contains("KAFKA_USERNAME is set") && lines[0].contains("is PLAINTEXT"))
        #expect(try config(login.merging(["KAFKA_SECURITY_PROTOCOL": "SASL_SSL"]) { $1 }).idle == [])
    }
}
