import AgentModel
import Testing

@testable import MQTTTransport

@Suite struct MQTTSettingsTests {
    @Test("no description shows the password")
    func secret() {
        let settings = MQTTSettings(host: "h", user: "u", password: Secret("hunter2"), clientID: "c")
        var dumped = ""
        dump(settings, to: &dumped)
        for text in ["\(settings)", String(reflecting: settings), dumped, "\([settings])"] {
            #expect(!text.contains("hunter2"))
        }
        #expect("\(settings)" == "mqtt://u:****@h:1883 as c")
    }

    @Test(
        "a transport that the library lacks is refused, with the reason",
        arguments: [MQTTSettings.WireProtocol.ws, .wss])
    func webSocket(wireProtocol: MQTTSettings.WireProtocol) {
        #expect { try MQTTSettings(host: "h", wireProtocol: wireProtocol, clientID: "c").check() } throws: {
            "\($0)".contains("no WebSocket client")
        }
    }

    @Test(
        "transports",
        arguments: [(MQTTSettings.WireProtocol.tcp, false), (.mqtt, false), (.ssl, true), (.tls, true), (.mqtts, true)])
    func transports(wireProtocol: MQTTSettings.WireProtocol, usesTLS: Bool) {
        #expect(wireProtocol.usesTLS == usesTLS)
        #expect(throws: Never.self) { try MQTTSettings(host: "h", wireProtocol: wireProtocol, clientID: "c").check() }
    }

    @Test("a dead broker is found within a minute, though a message may be held for ten")
    func hold() {
        let settings = MQTTSettings(host: "h", clientID: "c")
        #expect(settings.holdLimit == 600)
        #expect(settings.keepAlive * 2 < 60)
        #expect(throws: MQTTError.self) { try MQTTSettings(host: "h", clientID: "c", holdLimit: 0).check() }
        #expect(throws: MQTTError.self) { try MQTTSettings(host: "h", clientID: "c", keepAlive: 4).check() }
    }

    @Test("a password without a user name, an empty host and an impossible port are refused")
    func invalid() {
        #expect(throws: MQTTError.self) { try MQTTSettings(host: "h", password: Secret("p"), clientID: "c").check() }
        #expect(throws: MQTTError.self) { try MQTTSettings(host: "", clientID: "c").check() }
        #expect(throws: MQTTError.self) { try MQTTSettings(host: "h", port: 70_000, clientID: "c").check() }
    }
}
