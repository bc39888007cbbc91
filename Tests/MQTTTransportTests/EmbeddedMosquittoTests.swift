import DevelopmentBrokers
import Foundation
import Testing

@Suite struct EmbeddedMosquittoTests {
    @Test("the broker is started again on its port when it dies, and stays away after a stop")
    func restarts() async throws {
        let broker = try EmbeddedMosquitto(logger: quietLogger)
        let first = try #require(broker.brokerProcess)
        kill(first, SIGKILL)
        #expect(await eventually { (broker.brokerProcess ?? first) != first })
        #expect(
            await eventually {
                (try? run("mosquitto_pub", "-p", "\(broker.port)", "-t", "t", "-m", "x").code) == 0
            })
        let second = try #require(broker.brokerProcess)
        await broker.stop()
        #expect(await eventually { kill(second, 0) == -1 })
        await broker.stop()
    }

    @Test("a port that is taken is an error")
    func takenPort() async throws {
        try await withBroker { broker in
            #expect { try EmbeddedMosquitto(port: broker.port, logger: quietLogger) } throws: {
                "\($0)" == "port \(broker.port) is already in use"
            }
        }
    }

    @Test("nothing is left in the folder for temporary files")
    func leavesNothing() async throws {
        try await withBroker { _ in
            let left = try FileManager.default.contentsOfDirectory(atPath: NSTemporaryDirectory())
                .filter { $0.hasPrefix("agenthost-mqtt-") }
            // Other tests start brokers at the same time: theirs go as well.
            #expect(
                await eventually {
                    left.allSatisfy { !FileManager.default.fileExists(atPath: NSTemporaryDirectory() + "/" + $0) }
                })
        }
    }
}
