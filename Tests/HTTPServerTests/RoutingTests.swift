import AgentModel
import NIOCore
import Testing

@testable import HTTPServer

@Suite("Routing")
struct RoutingTests {
    @Test("agents without clashes are served together, those with one are told where it is")
    func clashes() throws {
        try HTTPServer.validate([TestHost.realtime, TestHost.agent("second", tasks: ["second_task"])])
        let cases: [(AgentInterface.Endpoint, String)] = [
            (
                .init(path: "/echo", method: "POST", taskType: "a"),
                "agent second: POST /echo is already served by agent vitals-agent"
            ),
            (
                .init(path: "/health", method: "GET", taskType: "a"),
                "agent second: GET /health is already served by the host"
            ),
            (
                .init(path: "/realtime/topic/a", method: "POST", taskType: "a"),
                "agent second: /realtime/topic/a is already served by the host as /realtime/topic/{topic}"
            ),
            (.init(path: "nowhere", method: "POST", taskType: "a"), #"agent second: path "nowhere" must begin with /"#),
            (
                .init(path: "/a?b", method: "POST", taskType: "a"),
                #"agent second: path "/a?b" must not have a query or a fragment"#
            ),
            (
                .init(path: "/a b", method: "POST", taskType: "a"),
                #"agent second: path "/a b" must not have white space"#
            ),
            (
                .init(path: "/{id}", method: "POST", taskType: "a"),
                #"agent second: path "/{id}" must not have parameters"#
            ),
            (.init(path: "/a", method: "BREW", taskType: "a"), "agent second: /a: method BREW cannot be served"),
        ]
        for (endpoint, message) in cases {
            var second = TestHost.agent("second")
            second.endpoints = [endpoint]
            let error = #expect(throws: RouteClash.self) {
                try HTTPServer.validate([TestHost.realtime, second])
            }
            #expect(error?.description == message)
        }
        var twice = TestHost.agent("twice")
        twice.websocketEndpoints += twice.websocketEndpoints
        let error = #expect(throws: RouteClash.self) { try HTTPServer.validate([twice]) }
        #expect(error?.description == "agent twice: WebSocket /ws/twice is declared twice")
    }

    @Test("many paths are all found")
    func manyPaths() throws {
        var agent = TestHost.agent("many")
        agent.endpoints = (0..<500).map { .init(path: "/task/\($0)", method: "POST", taskType: "\($0)") }
        let table = try RouteTable([agent])
        for number in 0..<500 {
            let found = Array("/task/\(number)".utf8).withUnsafeBytes(table.find)
            guard case .task(let route)? = found?.routes.target(.post) else {
                Issue.record("/task/\(number) is not found")
                continue
            }
            #expect(route.taskType == "\(number)")
        }
        #expect(Array("/task/500".utf8).withUnsafeBytes(table.find) == nil)
    }

    @Test(
        "a topic in a path is decoded, slashes and all",
        arguments: [
            ("/stream/topic/a", "a"), ("/stream/topic/a/b", "a/b"), ("/stream/topic/a%2Fb%20%C3%A9", "a/b é"),
            ("/stream/topic/%zz", nil), ("/stream/topic/%FF", nil), ("/stream/topic/%00", nil),
        ] as [(String, String?)])
    func topics(path: String, topic: String?) throws {
        let table = try RouteTable([TestHost.realtime])
        let found = Array(path.utf8).withUnsafeBytes(table.find)
        #expect(found != nil)
        #expect(found?.rest == topic)
    }

    @Test(
        "a page may connect and write from where the contract says",
        arguments: [
            (nil, "a.example", [], true), ("http://a.example", "a.example", [], true),
            ("https://a.example", "a.example:443", [], true), ("http://a.example:8080", "A.example:8080", [], true),
            ("http://a.example", "a.example:8080", [], false), ("http://b.example", "a.example", [], false),
            ("http://localhost:3000", "127.0.0.1:8080", [], true), ("http://127.0.0.2", "[::1]:8080", [], true),
            ("http://localhost:3000", "a.example", [], false),
            ("http://127.0.0.1.evil.example", "127.0.0.1", [], false),
            ("https://b.example", "a.example", ["https://b.example/"], true), ("null", "a.example", [], false),
            ("null", "a.example", ["*"], true), ("https://b.example.evil", "a", ["https://b.example"], false),
            ("file://", "a.example", [], false), ("a.example", "a.example", [], false),
            ("http://evil.example#.localhost", "localhost:8080", [], false),
            ("http://evil.example/.localhost", "localhost:8080", [], false),
            ("http://evil.example?.localhost", "localhost:8080", [], false),
            ("http://evil.example@localhost", "localhost:8080", [], false),
            ("http://localhost:3000:80", "localhost:8080", [], false),
            ("http://localhost:", "localhost:8080", [], false), ("http://local host", "localhost:8080", [], false),
            ("null", "localhost:8080", [], false), ("", "localhost:8080", [], false),
            ("ftp://localhost", "localhost:8080", [], false), ("http://[::1", "[::1]", [], false),
            ("http://app.localhost:3000", "localhost:8080", [], true),
            ("http://LOCALHOST.:3000", "LocalHost.:8080", [], true),
            ("http://[::ffff:127.0.0.1]:3000", "127.0.0.1:8080", [], true),
            ("http://localhost:3000", "localhost:8080", ["https://b.example"], false),
            ("http://localhost:8080", "localhost:8080", ["https://b.example"], true),
            ("http://localhost:3000", "localhost:8080", ["http://localhost:3000"], true),
            ("https://b.example", "a.example", ["https://b.example:443"], true),
            ("https://b.example:443", "a.example", ["https://B.example"], true),
            ("http://b.example:443", "a.example", ["https://b.example"], false),
        ] as [(String?, String, [String], Bool)])
    func origins(origin: String?, host: String, allowed: [String], isAllowed: Bool) {
        #expect(OriginPolicy(allowed).admits(origin: origin, host: host) == isAllowed)
    }

    @Test(
        "a server on loopback answers to addresses, localhost and the names allowed, and to no other",
        arguments: [
            ("127.0.0.1:8080", [], true), ("localhost", [], true), ("LOCALHOST:8080", [], true),
            ("localhost.:8080", [], true), ("[::1]:8080", [], true), ("[::1]", [], true), ("192.168.1.5", [], true),
            ("evil.example", [], false), ("evil.example:8080", [], false), ("", [], false),
            ("localhost.evil.example", [], false), ("127.0.0.1.evil.example", [], false), ("a.localhost", [], false),
            ("localhost:80:80", [], false), ("localhost:x", [], false), ("[::1", [], false), ("::1", [], false),
            ("127.1", [], false), ("2130706433", [], false), ("0x7f000001", [], false),
            ("app.example:8080", ["App.Example"], true), ("app.example.", ["app.example"], true),
            ("b.app.example", ["app.example"], false), ("b.app.example", ["*.app.example"], true),
            ("app.example", ["*.app.example"], false), ("evilapp.example", ["*.app.example"], false),
            ("evil.example", ["*"], true), ("localhost", ["app.example"], true),
        ] as [(String, [String], Bool)])
    func hosts(host: String, allowed: [String], isAdmitted: Bool) {
        var head = RequestHead()
        head.bytes = ByteBuffer(string: host)
        head.host = 0..<host.utf8.count
        var policy = HostPolicy(allowed, isLoopback: true)
        let first = policy.admits(head)
        #expect(first == isAdmitted)
        // Now it is remembered, if anything is.
        let second = policy.admits(head)
        #expect(second == isAdmitted)
        var open = HostPolicy(allowed, isLoopback: false)
        let elsewhere = open.admits(head)
        #expect(elsewhere == (isAdmitted || allowed.isEmpty))
        head.host = nil
        let nameless = policy.admits(head)
        #expect(nameless)
    }
}
