import Testing

@testable import MQTTTransport

@Suite struct MQTTSettingsTests {
    @Test("no description shows the password")
    func secret() throws {
        let settings = try MQTTSettings(host: "h", user: "u", password: "hunter2", clientID: "c")
        var dumped = ""
        dump(settings, to: &dumped)
        for text in ["\(settings)", String(reflecting: settings), dumped, "\([settings])"] {
            #expect(!text.contains("hunter2"))
        }
        #expect("\(settings)" == "mqtt://u:****@h:1883 as c")
    }

    @Test("a transport that the library lacks is refused, with the reason", arguments: ["ws", "wss", "websockets"])
    func webSocket(transport: String) {
        #expect { try MQTTSettings(host: "h", transport: transport, clientID: "c") } throws: {
            "\($0)".contains("no WebSocket client")
        }
    }

    @Test("transports", arguments: [("tcp", false), ("ssl", true), ("TLS", true), ("mqtts", true)])
    func transports(name: String, usesTLS: Bool) throws {
        #expect(try MQTTSettings(host: "h", transport: name, clientID: "c").usesTLS == usesTLS)
    }

    @Test("the hold may last half of the keep-alive and no longer")
    func hold() throws {
        #expect(try MQTTSettings(host: "h", clientID: "c").holdLimit == 600)
        #expect(throws: MQTTError.self) { try MQTTSettings(host: "h", clientID: "c", keepAlive: 20, holdLimit: 11) }
        #expect(throws: MQTTError.self) { try MQTTSettings(host: "h", clientID: "c", keepAlive: 4) }
    }

    @Test("a password without a user name, an empty host and an impossible port are refused")
    func invalid() {
        #expect(throws: MQTTError.self) { try MQTTSettings(host: "h", password: "p", clientID: "c") }
        #expect(throws: MQTTError.self) { try MQTTSettings(host: "", clientID: "c") }
        #expect(throws: MQTTError.self) { try MQTTSettings(host: "h", port: 70_000, clientID: "c") }
    }
}
