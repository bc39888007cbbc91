import AgentModel
import Testing

@testable import AgentAPI
@testable import HTTP1

@Suite("Answers of a script", .timeLimit(.minutes(1)))
struct AnswerTests {
    private static let agent = TestHost.agent(
        "answers",
        tasks: ["page", "cookies", "moved", "absent", "no_content", "same", "odd", "echo", "large"])

    /// Head, without the date, and body of what several requests on one connection are answered, as they come.
    private func exchange(
        _ paths: [String], method: String = "POST", version: String = "1.1", fields: String = "",
        settings: AgentServerSettings = .with { _ in }
    ) async throws -> [String] {
        var agent = Self.agent
        agent.endpoints += agent.endpoints.map { .init(path: $0.path + "-got", method: "GET", taskType: $0.taskType) }
        return try await TestHost.run([agent], settings: settings) { host in
            try await RawConnection.open(host.port) { connection in
                var answers: [String] = []
                for path in paths {
                    let body =
                        method == "POST" ? "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" : "\r\n"
                    try await connection.send(
                        "\(method) \(path) HTTP/\(version)\r\nHost: 127.0.0.1:\(host.port)\r\n\(fields)\(body)")
                    let head = try await connection.receive(through: "\r\n\r\n")
                    let length = head.firstRange(of: "content-length: ").flatMap {
                        Int(head[$0.upperBound...].prefix { $0.isNumber })
                    }
                    let count = method == "HEAD" ? 0 : length ?? 0
                    let text = String(decoding: try await connection.receive(count: count), as: UTF8.self)
                    let lines = head.split(separator: "\r\n").filter { !$0.hasPrefix("date: ") }
                    answers.append((lines + ["", text[...]]).joined(separator: "\n"))
                }
                return answers
            }
        }
    }

    @Test("leave as they are, one after another on a connection: without the envelope of results")
    func asTheyAre() async throws {
        let answers = try await exchange([
            "/page", "/cookies", "/moved", "/absent", "/no-content", "/same", "/odd", "/echo",
        ])
        #expect(
            answers.dropLast() == [
                "HTTP/1.1 200 OK\nX-A: 1\ncontent-type: text/html\ncontent-length: 9\n\n<p>ü</p>",
                "HTTP/1.1 201 Created\nSet-Cookie: a=1\nSet-Cookie: b=2\ncontent-type: application/json\ncontent-length: 7\n\n{\"a\":1}",
                "HTTP/1.1 303 See Other\nLocation: /page\ncontent-length: 0\n\n",
                "HTTP/1.1 404 Not Found\ncontent-type: application/json\ncontent-length: 25\n\n{\"detail\":\"no such room\"}",
                "HTTP/1.1 204 No Content\n\n", "HTTP/1.1 304 Not Modified\nETag: \"1\"\n\n",
                "HTTP/1.1 299 \nAccess-Control-Allow-Origin: https://other.example\ncontent-length: 0\n\n",
            ])
        #expect(answers.last?.contains("{\"result\":{}") == true)
    }

    @Test("to HEAD have the head that GET has, and nothing more")
    func head() async throws {
        let got = try await exchange(["/page-got", "/absent-got"], method: "GET")
        let heads = try await exchange(["/page-got", "/absent-got"], method: "HEAD")
        #expect(got[0].hasSuffix("\n\n<p>ü</p>"))
        #expect(heads == got.map { "\($0.split(separator: "\n\n")[0])\n\n" })
    }

    @Test("say how the connection goes on, and who may read them, as all answers do")
    func terms() async throws {
        let old = try await exchange(["/page"], version: "1.0")
        #expect(old[0].contains("\nconnection: close\n"))
        let page = "Origin: http://localhost:3000\r\n"
        let read = try await exchange(["/page"], fields: page)
        #expect(read[0].contains("\naccess-control-allow-origin: http://localhost:3000\n"))
        #expect(read[0].contains("\nvary: Origin\n"))
        // Two would be none for a browser.
        let own = try await exchange(["/odd"], fields: page)
        #expect(own[0].lowercased().split(separator: "access-control-allow-origin").count == 2)
        #expect(own[0].contains("https://other.example"))
    }

    @Test("over a WebSocket are a result, or the reason why there is none")
    func webSocket() async throws {
        try await TestHost.run([Self.agent]) { host in
            try await WebSocketProbe.open(host.port, "/ws") { client in
                for (task, success, result, error) in [
                    ("page", true, "<p>ü</p>", nil), ("cookies", true, ["a": 1], nil), ("moved", true, nil, nil),
                    ("absent", false, nil, "no such room"),
                ] as [(String, JSONValue, JSONValue?, JSONValue?)] {
                    try await client.send(
                        text: #"{"message_type":"agent_request","payload":{"query":"q","task_type":"\#(task)"}}"#)
                    let payload = try await client.message("agent_response")["payload"]
                    #expect(payload?["success"] == success)
                    #expect(payload?["result"] == result ?? .null)
                    #expect(payload?["error"] == error ?? .null)
                }
            }
        }
    }
}
