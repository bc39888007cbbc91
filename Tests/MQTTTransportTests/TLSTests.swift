import AgentModel
import DevelopmentBrokers
import Foundation
import Testing

@testable import MQTTTransport

@Suite struct TLSTests {
    /// A broker with a certificate of its own authority for `localhost`; the body gets its port and folder.
    private func withTLSBroker(_ body: (Int, String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let certificate = try run(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-keyout", "\(folder)/key.pem", "-out", "\(folder)/cert.pem")
        #expect(certificate.code == 0)
        let port: Int = try await withBroker { $0.port }
        let configuration = """
            listener \(port)
            allow_anonymous true
            certfile \(folder)/cert.pem
            keyfile \(folder)/key.pem
            user \(NSUserName())

            """
        try configuration.write(toFile: "\(folder)/conf", atomically: true, encoding: .utf8)
        let child = try ChildProcess(["/usr/sbin/mosquitto", "-c", "\(folder)/conf"], errorFile: "\(folder)/log")
        defer {
            child.kill()
            _ = child.hasEnded(waiting: true)
        }
        try await body(port, folder)
    }

    @Test("messages go round over TLS, larger than a TLS record too, and an untrusted certificate is reported")
    func roundTrip() async throws {
        try await withTLSBroker { port, folder in
            let settings = MQTTSettings(
                host: "localhost", port: port, wireProtocol: .mqtts, clientID: "tls",
                tls: TLSFiles(authority: PEMFile(path: "\(folder)/cert.pem")))
            let publisher = try await TestPublisher(settings)
            let large = String(repeating: "x", count: 300_000)
            try await publisher.publish([
                .init("t", large, retain: true), .init("u", "2", qos: 2, retain: true), .init("v", "0", qos: 0),
            ])
            #expect(await eventually { publisher.receipts.delivered == 3 })
            let collector = Collector()
            let route = try await collector.route
            let subscriber = try MQTTSubscriber(settings: settings, status: publisher.status, logger: quietLogger) {
                _ in
                route
            }
            try subscriber.subscribe(to: ["t", "u"])
            #expect(await eventually { collector.count == 2 })
            #expect(collector.messages.first { $0.topic == "t" }?.text == large)
            await subscriber.stop()
            await publisher.publisher.stop()

            let untrusting = try await TestPublisher(
                MQTTSettings(host: "localhost", port: port, wireProtocol: .tls, clientID: "untrusting"))
            #expect(await eventually { untrusting.status.current.retryCount >= 1 })
            #expect(untrusting.status.current.errorMessage?.contains("certificate verify failed") == true)
            await untrusting.publisher.stop()
        }
    }
}
