import AgentModel
import Foundation
import NIOCore
import Testing

@testable import AgentAPI
@testable import HTTP1

@Suite("Static files", .timeLimit(.minutes(2)))
struct StaticFileTests {
    // MARK: Names, types, conditions

    @Test(
        "the name of a file is what stands behind the mount, decoded",
        arguments: [
            ("", "", true), ("index.html", "index.html", false), ("a/b.css", "a/b.css", false), ("docs/", "docs", true),
            ("a%20b.txt", "a b.txt", false), ("gr%C3%BC%C3%9Fe.txt", "grüße.txt", false), ("a..b", "a..b", false),
            ("a/b/", "a/b", true), ("a\\b", "a\\b", false), ("x%2Ehtml", "x.html", false),
        ])
    func names(rest: String, path: String, isFolder: Bool) throws {
        let name = try #require(FileName(Array(rest.utf8)))
        #expect(name.path == path)
        #expect(name.isFolder == isFolder)
    }

    @Test(
        "no name leads up or out, and none that begins with a dot is one",
        arguments: [
            "..", "../outside.txt", "a/../../outside.txt", "%2e%2e/outside.txt", "%2E%2E%2Foutside.txt", "a%2Fb",
            "a/..",
            ".", "./a", ".env", "%2eenv", "a/.git/config", "a//b", "/", "//etc/passwd", "a%00.txt", "%", "a%2", "%ff",
            "..%5coutside.txt", ".well-known/x",
        ])
    func noNames(rest: String) {
        #expect(FileName(Array(rest.utf8)) == nil)
    }

    @Test(
        "types are what browsers need",
        arguments: [
            ("index.html", "text/html; charset=utf-8"), ("a.JS", "text/javascript; charset=utf-8"),
            ("a.min.mjs", "text/javascript; charset=utf-8"), ("a.css", "text/css; charset=utf-8"),
            ("a.json", "application/json"), ("a.js.map", "application/json"), ("a.wasm", "application/wasm"),
            ("a.svg", "image/svg+xml"), ("a.woff2", "font/woff2"), ("a.png", "image/png"), ("a.webp", "image/webp"),
            ("favicon.ico", "image/vnd.microsoft.icon"), ("a.mp4", "video/mp4"), ("a.txt", "text/plain; charset=utf-8"),
            ("LICENSE", "application/octet-stream"), ("v1.2/LICENSE", "application/octet-stream"),
            ("a.unknown", "application/octet-stream"), ("a.", "application/octet-stream"),
        ])
    func types(name: String, type: String) {
        #expect(ContentType.of(name) == type)
    }

    private static let version = FileVersion(size: 100, seconds: 784_111_777, nanoseconds: 5)
    private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"

    @Test(
        "one range is answered with a part; what is none, and several, with the whole",
        arguments: [
            ("bytes=0-9", .part(0..<10)), ("bytes=90-", .part(90..<100)), ("bytes=-5", .part(95..<100)),
            ("bytes=0-", .part(0..<100)), ("bytes=0-1000", .part(0..<100)), ("bytes=-1000", .part(0..<100)),
            ("bytes=99-99", .part(99..<100)), ("Bytes = 0 - 9", .whole), ("BYTES=0-9", .part(0..<10)),
            ("bytes=100-", .unsatisfiable), ("bytes=100-200", .unsatisfiable), ("bytes=-0", .unsatisfiable),
            ("bytes=99999999999999999999-", .unsatisfiable), ("bytes=0-99999999999999999999", .part(0..<100)),
            ("bytes=9-0", .whole), ("bytes=", .whole), ("bytes=-", .whole), ("bytes=a-b", .whole),
            ("lines=0-9", .whole),
            ("bytes=0-9,20-29", .whole), ("bytes", .whole), ("bytes=0x1-2", .whole), ("bytes=+1-2", .whole),
        ] as [(String, FileConditions.Answer)])
    func ranges(range: String, answer: FileConditions.Answer) {
        var conditions = FileConditions()
        conditions.range = range
        #expect(conditions.answer(for: Self.version) == answer)
    }

    @Test("an empty file has no part")
    func emptyRange() {
        var conditions = FileConditions()
        conditions.range = "bytes=0-"
        let empty = FileVersion(size: 0, seconds: 0, nanoseconds: 0)
        #expect(conditions.answer(for: empty) == .unsatisfiable)
        conditions.range = nil
        #expect(conditions.answer(for: empty) == .whole)
    }

    @Test("who has the newest version gets no more than that answer, by its tag or else by its date")
    func conditions() {
        let tag = Self.version.tag
        for (tags, since, answer) in [
            (tag, nil, .notModified), ("W/\(tag)", nil, .notModified), ("\"a\", \(tag)", nil, .notModified),
            ("*", nil, .notModified), ("\"a\"", nil, .whole), (nil, Self.date, .notModified),
            (nil, "Sun, 06 Nov 1994 08:49:38 GMT", .notModified), (nil, "Sun, 06 Nov 1994 08:49:36 GMT", .whole),
            (nil, "yesterday", .whole), ("\"a\"", Self.date, .whole), ("", Self.date, .whole),
        ] as [(String?, String?, FileConditions.Answer)] {
            var conditions = FileConditions()
            conditions.ifNoneMatch = tags
            conditions.ifModifiedSince = since
            #expect(conditions.answer(for: Self.version) == answer, "\(tags ?? "-") \(since ?? "-")")
        }
    }

    @Test("who asks for one version gets no other, by its tag or else by its date")
    func preconditions() {
        let tag = Self.version.tag
        for (tags, since, answer) in [
            (tag, nil, .whole), ("\"a\", \(tag)", nil, .whole), ("*", nil, .whole), ("W/\(tag)", nil, .changed),
            ("\"a\"", nil, .changed), ("", nil, .changed), (nil, Self.date, .whole), (nil, "yesterday", .whole),
            (nil, "Sun, 06 Nov 1994 08:49:38 GMT", .whole), (nil, "Sun, 06 Nov 1994 08:49:36 GMT", .changed),
            (tag, "Sun, 06 Nov 1994 08:49:36 GMT", .whole),
        ] as [(String?, String?, FileConditions.Answer)] {
            var conditions = FileConditions()
            conditions.ifMatch = tags
            conditions.ifUnmodifiedSince = since
            #expect(conditions.answer(for: Self.version) == answer, "\(tags ?? "-") \(since ?? "-")")
        }
    }

    @Test("a part is of the version asked for, or else it is the whole")
    func ifRange() {
        for (value, isPart) in [
            (Self.version.tag, true), ("\"other\"", false), ("W/\(Self.version.tag)", false), (Self.date, true),
            ("Sun, 06 Nov 1994 08:49:36 GMT", false), ("", false),
        ] {
            var conditions = FileConditions()
            conditions.range = "bytes=0-9"
            conditions.ifRange = value
            #expect(conditions.answer(for: Self.version) == (isPart ? .part(0..<10) : .whole), "\(value)")
        }
    }

    @Test("dates are read as they are written")
    func dates() {
        for seconds in [0, 784_111_777, 951_782_400, 4_102_444_799, HTTPDate.latest] {
            #expect(HTTPDate.seconds(HTTPDate.text(seconds)) == seconds)
        }
        for text in [
            "", "Sun, 06 Nov 1994 08:49:37", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        ] {
            #expect(HTTPDate.seconds(text) == nil)
        }
        #expect(FileVersion(size: 1, seconds: -5, nanoseconds: 0).seconds == nil)
        #expect(FileVersion(size: 1, seconds: .max, nanoseconds: 0).seconds == nil)
    }

    // MARK: Served

    @Test("a folder is served: its page, its files and their heads, its folders by a slash")
    func served() async throws {
        let folder = try FileFolder([
            "index.html": "<p>home</p>", "app.js": "let a", "docs/index.html": "<p>docs</p>", "img/a.png": "png",
            "empty.txt": "",
        ])
        try folder.touch("index.html", at: 784_111_777)
        try await TestHost.run([folder.agent()]) { host in
            let page = try await host.request("GET", "/app/")
            #expect(page.status == 200)
            #expect(page.body == "<p>home</p>")
            #expect(page.headers["content-type"] == "text/html; charset=utf-8")
            #expect(page.headers["last-modified"] == Self.date)
            #expect(page.headers["cache-control"] == "no-cache")
            #expect(page.headers["accept-ranges"] == "bytes")
            #expect(page.headers["x-content-type-options"] == "nosniff")
            #expect(page.headers["vary"] == "Origin")
            let tag = try #require(page.headers["etag"])
            #expect(try await host.request("GET", "/app/index.html").body == "<p>home</p>")
            #expect(try await host.request("GET", "/app/docs/").body == "<p>docs</p>")
            #expect(try await host.request("GET", "/app/%61pp.js?v=1").body == "let a")
            let empty = try await host.request("GET", "/app/empty.txt")
            #expect(empty.status == 200 && empty.headers["content-length"] == "0")

            let head = try await host.request("HEAD", "/app/")
            #expect(head.body.isEmpty)
            #expect(head.headers.filter { $0.key != "date" } == page.headers.filter { $0.key != "date" })

            let same = try await host.request("GET", "/app/", headers: ["If-None-Match": tag])
            #expect(same.status == 304)
            #expect(same.headers["content-length"] == nil)
            #expect(same.headers["etag"] == tag)
            let other = try await host.request(
                "GET", "/app/", headers: ["If-Match": "\"other\"", "If-None-Match": tag])
            #expect(other.status == 412)
            #expect(other.detail == "Precondition Failed")
            #expect(other.headers["etag"] == tag)
            let part = try await host.request("GET", "/app/app.js", headers: ["Range": "bytes=-1"])
            #expect(part.status == 206)
            #expect(part.body == "a")
            #expect(part.headers["content-range"] == "bytes 4-4/5")
            let beyond = try await host.request("GET", "/app/app.js", headers: ["Range": "bytes=5-"])
            #expect(beyond.status == 416)
            #expect(beyond.headers["content-range"] == "bytes */5")
            #expect(beyond.detail == "Range Not Satisfiable")

            for (path, location) in [("/app", "/app/"), ("/app/docs?a=1", "/app/docs/?a=1")] {
                let redirection = try await host.request("GET", path)
                #expect(redirection.status == 307)
                #expect(redirection.headers["location"] == "http://127.0.0.1:\(host.port)\(location)")
            }
            for path in ["/app/img", "/app/img/", "/app/nothing.html", "/app/app.js/", "/app/app.js/x", "/apps/"] {
                let nothing = try await host.request("GET", path)
                #expect(nothing.status == 404, "\(path)")
                #expect(nothing.detail == "Not Found")
            }
            let wrong = try await host.request("POST", "/app/app.js", "{}")
            #expect(wrong.status == 405)
            #expect(wrong.headers["allow"] == "GET, HEAD, OPTIONS")
        }
    }

    @Test("no path and no link leads out of the folder; links within it are followed")
    func contained() async throws {
        let folder = try FileFolder([
            "index.html": "home", ".env": "secret", "..data/a.txt": "secret", "a b.txt": "a b",
        ])
        try folder.write("linked", to: "..version/page.html")
        try folder.link("out.txt", to: "../outside.txt")
        try folder.link("up", to: "..")
        try folder.link("etc", to: "/etc")
        try folder.link("loop", to: "loop")
        try folder.link("page.html", to: "..version/page.html")
        try folder.link("inside.html", to: "index.html")
        try folder.link("near", to: folder.path + "-near")
        try FileManager.default.createDirectory(atPath: folder.path + "-near", withIntermediateDirectories: true)
        try Data("secret".utf8).write(to: URL(fileURLWithPath: folder.path + "-near/a.txt"))
        try #require(mkfifo(folder.path + "/pipe", 0o600) == 0)
        try await TestHost.run([folder.agent()]) { host in
            for (path, body) in [("page.html", "linked"), ("inside.html", "home"), ("a%20b.txt", "a b")] {
                #expect(try await host.request("GET", "/app/\(path)").body == body)
            }
            for path in [
                "../outside.txt", "%2e%2e/outside.txt", "..%2foutside.txt", "%2e%2e%2f%2e%2e%2fetc/passwd", "out.txt",
                "up/outside.txt", "etc/passwd", "etc", "loop", "near/a.txt", "pipe", ".env",
                "%2eenv", "..data/a.txt", "..version/page.html", "index.html%00.png", "//etc/passwd",
                "\(folder.path)/x",
            ] {
                let reply = try await host.request("GET", "/app/\(path)")
                #expect(reply.status == 404, "\(path)")
                #expect(!reply.body.contains("secret"))
            }
            #expect(try await host.request("GET", "/app/../outside.txt").status == 404)
        }
    }

    @Test("files change while they are served, and so does what they are answered with")
    func live() async throws {
        let folder = try FileFolder(["a.txt": "one"])
        try await TestHost.run([folder.agent()]) { host in
            let first = try await host.request("GET", "/app/a.txt")
            #expect(first.body == "one")
            try folder.write("two", to: "a.txt")
            try folder.touch("a.txt", at: 1_000_000_000)
            let tag = try #require(first.headers["etag"])
            let second = try await host.request("GET", "/app/a.txt", headers: ["If-None-Match": tag])
            #expect(second.body == "two")
            try FileManager.default.removeItem(atPath: folder.path)
            #expect(try await host.request("GET", "/app/a.txt").status == 404)
            try Data("a file".utf8).write(to: URL(fileURLWithPath: folder.path))
            for path in ["/app", "/app/", "/app/a.txt"] {
                #expect(try await host.request("GET", path).status == 404, "\(path)")
            }
            try FileManager.default.removeItem(atPath: folder.path)
            try folder.write("three", to: "a.txt")
            #expect(try await host.request("GET", "/app/a.txt").body == "three")
        }
    }

    private static let clashing = [
        "/app": "agent.lua:2: agent pages (static): GET /app is already served by agent.lua:2: agent pages",
        "/app/{all:path}":
            "GET /app/{file:path} is already served by agent.lua:2: agent pages as /app/{all:path}",
    ]

    @Test("endpoints go before files")
    func precedence() async throws {
        let folder = try FileFolder(["ask": "a file", "echo": "a file", "x.txt": "a file"])
        var agent = folder.agent()
        agent.endpoints = [
            .init(path: "/app/ask", method: "GET", taskType: "echo"),
            .init(path: "/app/echo", method: "POST", taskType: "echo"),
            .init(path: "/app/x.txt/{id}", method: "GET", taskType: "echo"),
        ]
        try await TestHost.run([agent]) { host in
            for (method, path) in [("GET", "/app/ask"), ("POST", "/app/echo"), ("GET", "/app/x.txt/1")] {
                let reply = try await host.request(method, path, method == "POST" ? "{}" : nil)
                #expect(reply.body.hasPrefix("{\"result\":"), "\(path)")
            }
            for path in ["/app/echo", "/app/x.txt"] {
                let reply = try await host.request("GET", path)
                #expect(reply.body == "a file")
            }
        }
    }

    @Test("the same path twice is a clash that names the script's line", arguments: clashing)
    func clash(endpoint: String, words: String) throws {
        var agent = try FileFolder([:]).agent()
        agent.location = "agent.lua:2"
        agent.endpoints = [.init(path: endpoint, method: "GET", taskType: "echo")]
        let error = #expect(throws: RouteClash.self) { try AgentServer.validate([agent]) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }

    @Test("what the host serves, and what another agent does, is no place for files")
    func taken() throws {
        let folder = try FileFolder([:])
        for mount in ["/health", "/stream/topic/a", "/metrics"] {
            let error = #expect(throws: RouteClash.self) { try AgentServer.validate([folder.agent(at: mount)]) }
            #expect(error?.description.contains("already served by the host") == true)
        }
        var other = folder.agent()
        other.name = "others"
        other.endpoints = []
        other.websocketEndpoints = []
        other.streamingEndpoints = []
        let error = #expect(throws: RouteClash.self) { try AgentServer.validate([folder.agent(), other]) }
        #expect(error?.description.contains("agent others (static): GET /app is already served by agent pages") == true)
    }

    @Test("a large file arrives whole, also to a client that is slow, and the server meanwhile serves others")
    func large() async throws {
        let folder = try FileFolder([:])
        var bytes = Data(count: 24 << 20)
        for index in stride(from: 0, to: bytes.count, by: 4096) {
            bytes[index] = UInt8(truncatingIfNeeded: index >> 12)
        }
        try bytes.write(to: URL(fileURLWithPath: folder.path + "/large.bin"))
        try await TestHost.run([folder.agent()]) { host in
            try await RawConnection.open(host.port, receiveBuffer: 8 << 10) { connection in
                let request = "GET /app/large.bin HTTP/1.1\r\nHost: a\r\n"
                // Two requests ahead: the answers keep their order.
                try await connection.send("\(request)\r\n\(request)Range: bytes=1000000-3999999\r\n\r\n")
                #expect(
                    try await connection.receive(through: "\r\n\r\n").contains("content-length: \(bytes.count)\r\n"))
                for _ in 0..<5 { #expect(try await host.request("GET", "/health").status == 200) }
                var at = 0
                while at < bytes.count {
                    let piece = try await connection.receive(count: min(1 << 20, bytes.count - at))
                    #expect(bytes[at..<(at + piece.count)].elementsEqual(piece))
                    at += piece.count
                }
                #expect(try await connection.receive(through: "\r\n\r\n").hasPrefix("HTTP/1.1 206 "))
                #expect(bytes[1_000_000..<4_000_000].elementsEqual(try await connection.receive(count: 3_000_000)))
            }
        }
    }

    @Test("a file that is cut short while it is sent ends the connection; a client that goes ends the sending")
    func cutShort() async throws {
        let folder = try FileFolder(["large.bin": String(repeating: "x", count: 24 << 20)])
        let request = "GET /app/large.bin HTTP/1.1\r\nHost: a\r\n\r\n"
        try await TestHost.run([folder.agent()]) { host in
            try await RawConnection.open(host.port, receiveBuffer: 8 << 10) { connection in
                try await connection.send(request)
                _ = try await connection.receive(count: 1000)
                try #require(truncate(folder.path + "/large.bin", 100) == 0)
                let rest = try await connection.receiveToEnd()
                #expect(rest.utf8.count < 24 << 20)
            }
            try folder.write(String(repeating: "x", count: 24 << 20), to: "large.bin")
            try await RawConnection.open(host.port, receiveBuffer: 8 << 10) { connection in
                try await connection.send(request)
                _ = try await connection.receive(count: 1000)
                try await connection.close()
            }
            try await host.until { try await host.connectionCount == 0 }
        }
    }
}
