import AgentModel
import NIOCore
import Testing

@testable import AgentAPI
@testable import HTTP1

@Suite("Routing", .timeLimit(.minutes(1)))
struct RoutingTests {
    @Test("agents without clashes are served together, those with one are told where it is")
    func clashes() throws {
        try AgentServer.validate([TestHost.realtime, TestHost.agent("second", tasks: ["second_task"])])
        let cases: [(AgentInterface.Endpoint, String)] = [
            (
                .init(path: "/echo", method: "POST", taskType: "a"),
                "agent second: POST /echo is already served by agent vitals-agent"
            ),
            (
                .init(path: "/health", method: "GET", taskType: "a"),
                "agent second: GET /health is already served by the host; take another path"
            ),
            (
                .init(path: "/realtime/topic/a", method: "POST", taskType: "a"),
                "agent second: /realtime/topic/a is already served by the host as /realtime/topic/{topic}; take another path"
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
                .init(path: "/v{id}", method: "POST", taskType: "a"),
                #"agent second: path "/v{id}" must have a parameter as a whole segment, as in /device/{id}"#
            ),
            (.init(path: "/a", method: "BREW", taskType: "a"), "agent second: /a: method BREW cannot be served"),
        ]
        for (endpoint, message) in cases {
            var second = TestHost.agent("second")
            second.endpoints = [endpoint]
            let error = #expect(throws: RouteClash.self) {
                try AgentServer.validate([TestHost.realtime, second])
            }
            #expect(error?.description == message)
        }
        var twice = TestHost.agent("twice")
        twice.websocketEndpoints += twice.websocketEndpoints
        let error = #expect(throws: RouteClash.self) { try AgentServer.validate([twice]) }
        #expect(error?.description == "agent twice: WebSocket /ws/twice is declared twice")
    }

    @Test("two agents of one name, or one path, are told with the places of both")
    func places() throws {
        var first = TestHost.agent("same", tasks: ["a"])
        var second = TestHost.agent("same", tasks: ["b"])
        first.location = "first.lua:3"
        second.location = "second.lua:1"
        let names = #expect(throws: RouteClash.self) { try AgentServer.validate([first, second]) }
        #expect(
            names?.description
                == "second.lua:1, and first.lua:3: two agents are named \"same\", by which the status routes tell them apart; "
                + "give one of them another name = \"…\"")
        second.name = "other"
        second.endpoints = first.endpoints
        let paths = #expect(throws: RouteClash.self) { try AgentServer.validate([first, second]) }
        let path = try #require(first.endpoints.first?.path)
        #expect(
            paths?.description
                == "second.lua:1: agent other: POST \(path) is already served by first.lua:3: agent same")
    }

    /// What a path with a method leads to: the task type, and what the parameters stand for as it was sent.
    private func find(_ method: RequestMethod, _ path: String, in table: RouteTable) -> (
        task: String, captures: [String]
    )? {
        let bytes = Array(path.utf8)
        let finding = bytes.withUnsafeBytes { table.find($0) { $0.target(method) != nil } }
        guard case .match(let match) = finding, case .task(let route)? = match.routes.target(method) else { return nil }
        return (route.taskType, match.captures.map { String(decoding: bytes[$0], as: UTF8.self) })
    }

    private func table(_ paths: [String], method: String = "GET") throws -> RouteTable {
        var agent = TestHost.agent("many")
        agent.endpoints = paths.map { .init(path: $0, method: method, taskType: $0) }
        return try RouteTable([agent])
    }

    @Test("many paths are all found, with and without parameters")
    func manyPaths() throws {
        let table = try table((0..<1000).flatMap { ["/task/\($0)", "/device\($0)/{id}/state"] })
        for number in 0..<1000 {
            #expect(find(.get, "/task/\(number)", in: table)?.task == "/task/\(number)")
            let found = find(.get, "/device\(number)/a%20b/state", in: table)
            #expect(found?.task == "/device\(number)/{id}/state")
            #expect(found?.captures == ["a%20b"])
        }
        #expect(find(.get, "/task/1000", in: table) == nil)
        #expect(find(.get, "/device1000/a/state", in: table) == nil)
    }

    @Test(
        "literal segments go before parameters, and those before the rest, whatever the order",
        arguments: [
            ("/device/status", "/device/status", []), ("/device/7", "/device/{id}", ["7"]),
            ("/device/7/log", "/device/{id}/log", ["7"]), ("/device/status/log", "/device/{id}/log", ["status"]),
            ("/device/7/log/a", "/{rest:path}", ["device/7/log/a"]), ("/device//log", "/{rest:path}", ["device//log"]),
            ("/files/", "/files/{name:path}", [""]), ("/files/a/b", "/files/{name:path}", ["a/b"]),
            ("/files", "/{rest:path}", ["files"]), ("/de%76ice/7", "/device/{id}", ["7"]),
            ("/device/a%2Fb", "/device/{id}", ["a%2Fb"]), ("/device/%73tatus", "/device/status", []),
        ] as [(String, String, [String])])
    func precedence(path: String, task: String, captures: [String]) throws {
        let paths = [
            "/{rest:path}", "/files/{name:path}", "/device/{id}/log", "/device/{id}", "/device/status",
        ]
        for order in [paths, paths.reversed()] {
            let found = find(.get, path, in: try table(order))
            #expect(found?.task == task)
            #expect(found?.captures == captures)
        }
    }

    @Test("a method that the most particular path does not have is looked for at the others")
    func methods() throws {
        var agent = TestHost.agent("methods")
        agent.endpoints = [
            .init(path: "/device/status", method: "GET", taskType: "status"),
            .init(path: "/device/{id}", method: "PUT", taskType: "put"),
            .init(path: "/device/{name}", method: "DELETE", taskType: "delete"),
        ]
        let table = try RouteTable([agent])
        #expect(find(.put, "/device/status", in: table)?.task == "put")
        #expect(find(.delete, "/device/7", in: table)?.captures == ["7"])
        let finding = Array("/device/status".utf8).withUnsafeBytes { table.find($0) { $0.target(.post) != nil } }
        guard case .others(let others) = finding else {
            Issue.record("not the others")
            return
        }
        #expect(others.flatMap(\.methods) == ["GET", "HEAD", "PUT", "DELETE"])
    }

    @Test(
        "a path that cannot be declared says why",
        arguments: [
            ("/a/{}", "must have a parameter as a whole segment, as in /device/{id}"),
            ("/a/{b", "must have a parameter as a whole segment, as in /device/{id}"),
            ("/a/{1b}", "has the parameter {1b}: a name of letters, digits and _ expected"),
            ("/a/{b:int}", "has the parameter {b:int}: {b}, or {b:path} at the end, expected"),
            ("/a/{b:path}/c", "must have {b:path}, which takes all that is left, at its end"),
            ("/{a}/{a}", "has the parameter {a} twice"),
        ])
    func faults(path: String, fault: String) {
        let error = #expect(throws: RoutePath.Fault.self) { try RoutePath(path) }
        #expect(error?.description == fault)
    }

    @Test("paths of one shape clash, and the message has the place and both")
    func shapes() throws {
        var first = TestHost.agent("first")
        first.endpoints = [.init(path: "/device/{id}", method: "GET", taskType: "a")]
        var second = TestHost.agent("second")
        second.location = "second.lua:3"
        second.endpoints = [.init(path: "/device/{name}", method: "GET", taskType: "a")]
        let error = #expect(throws: RouteClash.self) { try AgentServer.validate([first, second]) }
        #expect(
            error?.description
                == "second.lua:3: agent second: GET /device/{name} is already served by agent first as /device/{id}")
    }

    @Test(
        "a topic in a path is decoded, slashes and all",
        arguments: [
            ("/stream/topic/a", "a"), ("/stream/topic/a/b", "a/b"), ("/stream/topic/a%2Fb%20%C3%A9", "a/b é"),
            ("/stream/topic/a/", "a/"),
        ] as [(String, String)])
    func topics(path: String, topic: String) async throws {
        try await TestHost.run { host in
            let reply = try await host.request("POST", "/realtime" + path.dropFirst("/stream".count), "{}")
            #expect(reply.json["topic"] == .string(topic))
        }
    }

    @Test("a path that is not UTF-8, or a topic with a NUL, is 400", arguments: ["%zz", "%FF", "%00"])
    func wrongTopics(path: String) async throws {
        try await TestHost.run { host in
            let stream = try await host.request("GET", "/stream/topic/\(path)")
            let message = try await host.request("POST", "/realtime/topic/\(path)", "{}")
            #expect([stream.status, message.status] == [400, 400])
        }
    }

    @Test(
        "a slash too many, or too few, is a redirection for every method, the query with it",
        arguments: [
            ("GET", "/health/", "/health"), ("POST", "/echo/", "/echo"), ("POST", "/health/", "/health"),
            ("HEAD", "/health//", "/health"), ("OPTIONS", "/echo/?a=1&b", "/echo?a=1&b"), ("GET", "/nowhere/", nil),
            ("GET", "/ws/", nil), ("GET", "//", nil), ("GET", "/slash", "/slash/"), ("DELETE", "/item/7/", "/item/7"),
            ("GET", "/caf%C3%A9/", "/caf%C3%A9"),
        ] as [(String, String, String?)])
    func redirections(method: String, path: String, location: String?) async throws {
        var agent = TestHost.realtime
        agent.endpoints += ["/slash/", "/item/{id}", "/café"].map { .init(path: $0, method: "GET", taskType: "echo") }
        try await TestHost.run([agent]) { host in
            let reply = try await host.request(method, path)
            #expect(reply.status == (location == nil ? 404 : 307))
            #expect(reply.headers["location"] == location.map { "http://127.0.0.1:\(host.port)\($0)" })
            #expect(reply.body == (location == nil && method != "HEAD" ? #"{"detail":"Not Found"}"# : ""))
        }
    }

    @Test("behind a proxy that ends TLS a redirection has the client's scheme")
    func redirectionScheme() async throws {
        try await TestHost.run { host in
            for (proto, scheme) in [("https", "https"), ("http", "http"), ("javascript", "http")] {
                let reply = try await host.request("GET", "/health/", headers: ["X-Forwarded-Proto": proto])
                #expect(reply.headers["location"] == "\(scheme)://127.0.0.1:\(host.port)/health")
            }
        }
    }

    @Test("a task has the parameters of its path, and its query may be left out there")
    func parameters() async throws {
        var agent = TestHost.realtime
        agent.endpoints += [
            .init(path: "/item/{id}/{part}", method: "GET", taskType: "context"),
            .init(path: "/item/{id}", method: "DELETE", taskType: "context"),
            .init(path: "/item/{id}", method: "POST", taskType: "context"),
        ]
        try await TestHost.run([agent]) { host in
            let reply = try await host.request("GET", "/item/a%2Fb/%C3%A9")
            #expect(reply.json["result"] == ["id": "a/b", "part": "é"])
            #expect(try await host.request("DELETE", "/item/7").json["result"] == ["id": "7"])
            #expect(try await host.request("POST", "/item/7", "{}").json["result"] == ["id": "7"])
            #expect(try await host.request("GET", "/item/%ff/x").status == 400)
            #expect(try await host.request("PUT", "/item/7").headers["allow"] == "DELETE, POST, OPTIONS")
        }
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
