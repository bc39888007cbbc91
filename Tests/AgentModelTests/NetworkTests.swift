import NIOCore
import Testing

@testable import AgentModel

@Suite("Addresses, hosts and origins")
struct NetworkTests {
    @Test(
        "an origin is scheme, host and port and nothing more; what means the same is equal",
        arguments: [
            ("https://App.Example.com/", "https://app.example.com"), ("https://a.example:443", "https://a.example"),
            ("http://a.example:80/", "http://a.example"), ("http://a.example:443", "http://a.example:443"),
            ("HTTP://LocalHost:3000", "http://localhost:3000"), ("http://[0:0::1]:80", "http://[::1]"),
            ("capacitor://localhost", "capacitor://localhost"), ("chrome-extension://abc", "chrome-extension://abc"),
            ("null", nil), ("*", nil), ("", nil), ("https://", nil), ("https:///", nil), ("a.example", nil),
            ("//a.example", nil), ("https://*.example", nil), ("https://a.example/b", nil),
            ("https://a.example//", nil),
            ("https://a.example?b", nil), ("https://a.example#b", nil), ("http://evil.example#.localhost", nil),
            ("https://u@a.example", nil), ("https://a.example:", nil), ("https://a.example:x", nil),
            ("https://a.example:65536", nil), ("https://a.example:+80", nil), ("https://a b", nil),
            ("https://bücher.example", nil), ("https://[::1", nil), ("https://[1.2.3.4]", nil),
            ("https://::1", nil), ("1http://a", nil), ("http ://a", nil), ("http://a\u{0}", nil), ("http://a\n", nil),
        ] as [(String, String?)])
    func origins(text: String, normalized: String?) {
        #expect(WebOrigin(text)?.description == normalized)
        if let normalized { #expect(WebOrigin(text) == WebOrigin(normalized)) }
    }

    @Test(
        "loopback is what never leaves the machine",
        arguments: [
            ("http://localhost:3000", true), ("https://a.localhost", true), ("http://localhost.", true),
            ("http://127.0.0.1", true), ("http://127.255.0.1", true), ("http://[::1]", true),
            ("http://[::ffff:127.0.0.1]", true), ("http://128.0.0.1", false), ("http://127.0.0.1.example", false),
            ("http://127.1", false), ("http://localhost.example", false), ("http://notlocalhost", false),
            ("http://[::2]", false), ("capacitor://localhost", false),
        ])
    func loopback(text: String, isLoopback: Bool) throws {
        #expect(try #require(WebOrigin(text)).isLoopback == isLoopback)
    }

    @Test(
        "addresses that trust whoever reaches them are known in every form that a resolver takes",
        arguments: [
            ("169.254.169.254", true), ("169.254.0.1", true), ("2852039166", true), ("0xA9FEA9FE", true),
            ("0251.0376.0251.0376", true), ("169.254.43518", true), ("169.16689662", true), ("fe80::1", true),
            ("febf::1", true), ("::ffff:169.254.169.254", true), ("::ffff:a9fe:a9fe", true),
            ("::169.254.169.254", true), ("64:ff9b::a9fe:a9fe", true), ("100.100.100.200", true),
            ("fd00:ec2::254", true), ("FD00:0EC2:0::0254", true), ("fd20:ce::254", true), ("168.63.129.16", true),
            ("192.0.0.192", true), ("127.0.0.1", false), ("169.253.1.1", false), ("fec0::1", false), ("::1", false),
            ("10.0.0.1", false), ("100.100.100.201", false), ("fd00:ec2::255", false),
        ])
    func linkLocal(text: String, isRefused: Bool) throws {
        #expect(try #require(IPAddress(asResolved: text)).isLinkLocalOrMetadata == isRefused)
    }

    @Test(
        "what is no address is none",
        arguments: ["", "a", "1.2.3.4.5", "1.2.3", "0x7f.1", "[::1]", "::1%lo", "1.2.3.4 "])
    func noAddress(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("what acts on a terminal is shown and not obeyed; other text stays as it is")
    func visible() {
        #expect("\u{1B}[31m\u{7}\u{7F}\u{9B}m".visible() == #"\u001b[31m\u0007\u007f\u009bm"#)
        #expect("a\r\nb\tc\u{0}".visible() == #"a\r\nb\tc\u0000"#)
        #expect("a\r\nb\tc\u{1B}".visible(keepingLines: true) == "a\\r\nb\tc\\u001b")
        #expect("\u{202E}\u{2066}\u{2028}\u{200F}".visible() == #"\u202e\u2066\u2028\u200f"#)
        let text = "Grüße, 世界 👩‍👩‍👧‍👦 \"quoted\" \\ ~"
        #expect(text.visible() == text)
    }

    @Test("a name has at most 1,024 bytes")
    func names() {
        #expect(ClientName.refusal(String(repeating: "é", count: 512), "topic") == nil)
        #expect(
            ClientName.refusal(String(repeating: "é", count: 513), "topic") == "The topic is longer than 1024 bytes")
    }

    @Test("settings and requests of scripts are described without what may be secret in them")
    func descriptions() {
        let settings = AgentSettings(
            serviceName: "s", values: ["url": "http://u:sesame@h"], secrets: ["kafka_password": "sesame"])
        let call = HTTPCall(
            method: "GET", url: "http://u:sesame@h", headers: [("Authorization", "sesame")],
            body: ByteBuffer(string: "sesame"), timeout: 1)
        for value in [settings, call] as [Any] {
            var dumped = ""
            dump(value, to: &dumped)
            for text in ["\(value)", String(reflecting: value), dumped, "\([value])", "\(Optional(value) as Any)"] {
                #expect(!text.contains("sesame"))
            }
        }
    }
}
