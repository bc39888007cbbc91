import AgentModel
import Foundation
import NIOCore
import Testing

@testable import AgentAPI
@testable import HTTP1

@Suite("Reading requests", .timeLimit(.minutes(1)))
struct RequestReadingTests {
    static let malformed: [(String, Int)] = [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nOrigin: http://a\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n\r\n", 400),
        ("GET /\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
        ("GET /\u{0} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.x\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: 12345678\u{7F}\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\n\r\n{}", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n{}", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2\r\n\r\n{}", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2097153\r\n\r\n", 413),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        ("POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;\u{0}\r\n{}\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n200001\r\n", 413),
        ("GET / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\n\r\n", 417),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n", 400),
    ]

    @Test("a malformed request is answered with a detail, and the connection is closed", arguments: malformed)
    func refused(request: String, status: Int) async throws {
        try await TestHost.run { host in
            try await RawConnection.open(host.port) { connection in
                // What follows must not be taken for a request.
                try await connection.send(request + "GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
                let reply = try await connection.reply()
                #expect(reply.status == status)
                #expect(reply.detail != .null)
                #expect(reply.headers["connection"] == "close")
                #expect(try await connection.receiveToEnd() == "")
            }
        }
    }

    @Test("a head that is too large, or has too many fields, is 431")
    func tooLarge() async throws {
        try await TestHost.run { host in
            let large = try await host.request("GET", "/", headers: ["X": String(repeating: "a", count: 65 << 10)])
            #expect(large.status == 431)
            #expect(large.detail != .null)
            let fields = Dictionary(uniqueKeysWithValues: (0..<100).map { ("X-\($0)", "a") })
            #expect(try await host.request("GET", "/", headers: fields).status == 431)
            let fewer = Dictionary(uniqueKeysWithValues: (0..<99).map { ("X-\($0)", "a") })
            #expect(try await host.request("GET", "/", headers: fewer).status == 200)
        }
    }

    @Test("pipelined requests are answered in order, also those whose answer comes later")
    func pipelined() async throws {
        try await TestHost.run { host in
            try await RawConnection.open(host.port) { connection in
                var text = ""
                for number in 0..<200 {
                    let path = number % 3 == 0 ? "/later" : "/echo"
                    let body = "\(number)"
                    text += "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                    text += "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
                }
                try await connection.send(text)
                for number in 0..<200 {
                    #expect(try await connection.reply().json["result"] == .integer(Int64(number)))
                }
            }
        }
    }

    @Test("a request is the same in one piece and byte by byte")
    func bytewise() async throws {
        try await TestHost.run { host in
            try await RawConnection.open(host.port) { connection in
                let request =
                    "\r\nPOST /echo?a=b HTTP/1.1\r\nhOsT: a\r\ncontent-TYPE:application/json\r\n"
                    + "Transfer-Encoding: Chunked\r\n\r\n1;a=b\r\n[\r\n0a\r\n1234567890\r\n1\r\n]\r\n0\r\nT: x\r\n\r\n"
                for byte in request.utf8 { try await connection.send([byte]) }
                #expect(try await connection.reply().json["result"] == [1_234_567_890])
                try await connection.send(request)
                #expect(try await connection.reply().json["result"] == [1_234_567_890])
            }
        }
    }

    @Test("connections are kept as HTTP/1.0 and HTTP/1.1 say")
    func keepAlive() async throws {
        try await TestHost.run { host in
            try await RawConnection.open(host.port) { connection in
                try await connection.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                #expect(try await connection.reply().headers["connection"] == "keep-alive")
                try await connection.send("GET / HTTP/1.0\r\n\r\n")
                #expect(try await connection.reply().headers["connection"] == "close")
                #expect(try await connection.receiveToEnd() == "")
            }
            try await RawConnection.open(host.port) { connection in
                try await connection.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n")
                #expect(try await connection.reply().headers["connection"] == "close")
                #expect(try await connection.receiveToEnd() == "")
            }
        }
    }

    @Test("Expect: 100-continue is answered before the body, or with the refusal")
    func expectContinue() async throws {
        try await TestHost.run { host in
            try await RawConnection.open(host.port) { connection in
                let head = "HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
                try await connection.send("POST /echo \(head)Content-Type: application/json\r\n\r\n")
                #expect(try await connection.reply().status == 100)
                try await connection.send("{}")
                #expect(try await connection.reply().status == 200)
                try await connection.send("POST /echo \(head)Content-Type: text/html\r\n\r\n")
                #expect(try await connection.reply().status == 415)
                #expect(try await connection.receiveToEnd() == "")
            }
        }
    }

    @Test("a client that ended its side still gets its answer, however late or large")
    func halfClosed() async throws {
        try await TestHost.run { host in
            for (path, more) in [
                ("/echo", ""), ("/later", ""), ("/large", ""), ("/large", "Connection: close\r\n"),
            ] {
                try await RawConnection.open(host.port) { connection in
                    let fields = "Host: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\(more)"
                    try await connection.send("POST \(path) HTTP/1.1\r\n\(fields)\r\n{}")
                    connection.finish()
                    let text = try await connection.receiveToEnd()
                    #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
                    #expect(text.hasSuffix("}"))
                }
            }
        }
    }

    @Test("a refused body is drained, so that the client can read why it was refused")
    func refusedBody() async throws {
        try await TestHost.run { host in
            try await RawConnection.open(host.port) { connection in
                let size = 8 << 20
                try await connection.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
                let sending = connection.sendMeanwhile([UInt8](repeating: 0x20, count: size))
                #expect(try await connection.reply().status == 413)
                try await sending.value
            }
        }
    }

    @Test("the body of a GET is read and means nothing")
    func bodyOfGet() async throws {
        try await TestHost.run { host in
            try await RawConnection.open(host.port) { connection in
                try await connection.send(
                    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /health HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try await connection.reply().json["status"] == "running")
                #expect(try await connection.reply().json["status"] == "healthy")
            }
        }
    }

    @Test("a head or a body that does not come is 408; an idle connection is closed")
    func timeouts() async throws {
        try await TestHost.run(
            settings: .with {
                $0.http.headTimeout = .milliseconds(60)
                $0.http.bodyTimeout = .milliseconds(60)
            }
        ) { host in
            for part in ["GET / HT", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{"] {
                try await RawConnection.open(host.port) { connection in
                    try await connection.send(part)
                    let reply = try await connection.reply()
                    #expect(reply.status == 408)
                    #expect(reply.detail == "Request Timeout")
                    #expect(try await connection.receiveToEnd() == "")
                }
            }
        }
        try await TestHost.run(settings: .with { $0.http.idleTimeout = .milliseconds(500) }) { host in
            try await RawConnection.open(host.port) { connection in
                let text = try await connection.receiveToEnd()
                #expect(text == "")
            }
            try await RawConnection.open(host.port) { connection in
                try await connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try await connection.reply().status == 200)
                #expect(try await connection.receiveToEnd() == "")
            }
        }
    }

    @Test("a port that another host listens on cannot be had")
    func takenPort() async throws {
        try await TestHost.run { host in
            let error = await #expect(throws: IOError.self) {
                try await TestHost.run(settings: .with { $0.http.port = host.port }) { _ in }
            }
            #expect(error?.errnoCode == EADDRINUSE)
        }
    }
}
