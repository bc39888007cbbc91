import Testing

@testable import AgentConfiguration

@Suite("EnvironmentFile")
struct EnvironmentFileTests {
    private func values(_ text: String) throws -> [String: String] {
        Dictionary(
            try EnvironmentFile(text: text, path: "a.env").variables.map { ($0.name, $0.value) },
            uniquingKeysWith: { $1 })
    }

    private func failure(_ text: String) -> String {
        do {
            _ = try EnvironmentFile(text: text, path: "a.env")
            return "no error"
        } catch {
            return error.description
        }
    }

    @Test(
        "a value is what docker compose and python-dotenv read",
        arguments: [
            ("A=b", "b"), ("A=", ""), ("A = b ", "b"), ("export A=b", "b"), ("\texport\tA=b", "b"), ("A=b c", "b c"),
            ("A=b # c", "b"), ("A=b#c", "b#c"), ("A=#b", "#b"), ("A= # b", ""), ("A='b # c'", "b # c"),
            ("A=\"b # c\" # d", "b # c"), ("A='b'", "b"), ("A=\"b\"", "b"), ("A=\"\"", ""), ("A=b=c", "b=c"),
            (#"A="b\nc\t\"d\"\\e\$f\q""#, "b\nc\t\"d\"\\e$f\\q"), (#"A='b\nc'"#, #"b\nc"#), (#"A='it\'s'"#, "it's"),
            (#"A=b\nc"#, #"b\nc"#), ("A=\"b\nc\"", "b\nc"), ("A='b\r\nc'\r\n", "b\nc"), ("A=b\r\n", "b"),
            ("\u{feff}A=b", "b"), ("# A=c\n\n  A=b\n", "b"), ("A=c\nA=b", "b"), ("A=it's", "it's"),
            ("A=$B ${C} $(D)", "$B ${C} $(D)"), ("A=\u{e4}\u{1F600}", "\u{e4}\u{1F600}"),
        ])
    func value(text: String, expected: String) throws {
        #expect(try values(text) == ["A": expected])
    }

    @Test(
        "what is no assignment is named with file and line, and nothing of it is shown",
        arguments: [
            ("A=b\nsecret", "a.env:2: expected NAME=VALUE"), ("A=b\n\n-secret==\n", "a.env:3: expected NAME=VALUE"),
            ("=secret", "a.env:1: expected NAME=VALUE"), ("1A=secret", "a.env:1: expected NAME=VALUE"),
            ("A B=secret", "a.env:1: expected NAME=VALUE"),
            ("A=\"secret\nB=c\n", "a.env:1: the value of A has no closing \""),
            ("# c\nA='secret\n", "a.env:2: the value of A has no closing '"),
            ("A='\n\n' secret", "a.env:3: there is text behind the closing quote of A"),
            ("A: secret", "a.env:1: expected NAME=VALUE"),
        ])
    func mistakes(text: String, expected: String) {
        let description = failure(text)
        #expect(description.hasPrefix(expected), "\(description)")
        #expect(!description.contains("secret"), "\(description)")
    }

    @Test("what other tools would expand is told of, with file and line, unless single quotes say that it is meant")
    func expansion() throws {
        let notices = try EnvironmentFile(text: "A=$B\nC='${D}'\nE=${D}/x\nF=\"\n${G}\"\n", path: "a.env").notices
        #expect(notices.map { String($0.prefix(8)) } == ["a.env:3:", "a.env:4:"])
    }

    @Test("the process wins over files, be its variable empty, and of several files the last")
    func order() throws {
        let first = try EnvironmentFile(
            text: "PORT=1\nHOST=127.0.0.2\nCONSUME_A=a\nCONSUME_B=b\nMQTT_USER=x\n", path: "a.env")
        let second = try EnvironmentFile(text: "\nPORT=2\n", path: "dir/b.env")
        let given = GivenEnvironment(process: ["MQTT_USER": "", "LOG_LEVEL": "DEBUG"], files: [first, second])
            .above(["PORT": "3", "AGENT_TYPE": "nurse"])
        let config = try AgentConfig(.init(environment: given.values, environmentPlaces: given.places))
        let origins = Dictionary(uniqueKeysWithValues: config.listing().map { ($0.name, $0.origin) })
        #expect(config.port == 2 && origins["port"] == "dir/b.env:2")
        #expect(config.host == "127.0.0.2" && origins["host"] == "a.env:2")
        #expect(config.streamingTopics == ["a", "b"] && origins["streaming_topics"] == "a.env:3, a.env:4")
        #expect(origins["log_level"] == "environment variable LOG_LEVEL" && origins["mqtt_user"] == "not set")
        #expect(config.agentType == "nurse" && origins["agent_type"] == "environment variable AGENT_TYPE")
    }

    @Test("a wrong value is named with its file and line")
    func wrongValue() throws {
        let given = GivenEnvironment(process: [:], files: [try EnvironmentFile(text: "PORT=abc", path: "a.env")])
        do {
            _ = try AgentConfig(.init(environment: given.values, environmentPlaces: given.places))
            Issue.record("PORT=abc is taken")
        } catch {
            #expect(error.description == "PORT=abc (a.env:1): expected a whole number from 0 to 65535")
        }
    }

    @Test("a file that is not there is said to be so")
    func absent() {
        #expect(throws: EnvironmentFile.Failure.self) { try EnvironmentFile(path: "/nowhere/a.env") }
        do {
            _ = try EnvironmentFile(path: "/nowhere/a.env")
        } catch {
            #expect(
                error.description == "the environment file /nowhere/a.env cannot be read: no such file or directory")
        }
    }

    @Test("what differs from the defaults is listed with them, what is the same is not")
    func differences() throws {
        let config = try AgentConfig(
            .init(
                environment: ["PORT": "8080", "MAX_QUEUED_TASKS": "5", "KAFKA_PASSWORD": "sesame"], agentName: "ward"))
        let lines = SettingReport.differences(config.listing())
        #expect(lines.map { $0.prefix { $0 != " " } } == ["service_name", "max_queued_tasks", "kafka_password"])
        #expect(lines[1].hasSuffix("environment variable MAX_QUEUED_TASKS  (default 1024)"), "\(lines)")
        #expect(lines[2].contains("****"))
    }

    @Test("a value of several lines is listed in one, and none acts on a terminal")
    func severalLines() throws {
        let config = try AgentConfig(
            .init(environment: ["SERVICE_NAME": "ward", "MQTT_USER": "a\nport  1  flag\u{1b}[31m"]))
        for line in SettingReport.lines(config.listing()) {
            #expect(!line.contains { $0.isNewline || $0 == "\u{1b}" }, "\(line)")
        }
    }
}
