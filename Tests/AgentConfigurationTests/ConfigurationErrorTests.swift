import Testing

@testable import AgentConfiguration

@Suite("ConfigurationError")
struct ConfigurationErrorTests {
    private func description(_ layers: SettingLayers) -> String {
        do {
            _ = try AgentConfig(layers)
            return "no error"
        } catch {
            return error.description
        }
    }

    @Test(
        "a value of the wrong kind is named with its variable and what was expected",
        arguments: [
            ("PORT", "abc", "a whole number from 0 to 65535"),
            ("PORT", "65536", "a whole number from 0 to 65535"),
            ("PORT", "80.5", "a whole number from 0 to 65535"),
            ("MQTT_PORT", "0", "a whole number from 1 to 65535"),
            ("WEBSOCKET_ENABLED", "perhaps", "true or false"),
            ("KAFKA_SECURITY_PROTOCOL", "FOO", "one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
            ("KAFKA_BOOTSTRAP_SERVERS", "kafka:port", "host:port, or several separated by commas"),
            ("KAFKA_BOOTSTRAP_SERVERS", "kafka://a:9092", "host:port, or several separated by commas"),
            ("KAFKA_BOOTSTRAP_SERVERS", ":9092", "host:port, or several separated by commas"),
            ("IMPLEMENTATION_TYPE", "magic", "one of deterministic, anthropic, openai"),
            ("TASK_TIMEOUT", "0", "a number of seconds, more than 0 and at most 604800"),
            ("TASK_TIMEOUT", "nan", "a number of seconds, more than 0 and at most 604800"),
            ("MAX_CONCURRENT_TASKS", "-1", "a whole number from 1 to 100000"),
            ("LOG_LEVEL", "LOUD", "one of TRACE, DEBUG, INFO, NOTICE, WARNING, ERROR, CRITICAL"),
            ("ALLOWED_ORIGINS", "example.com", Setting.Kind.origins.expectation),
            ("ALLOWED_ORIGINS", "null", Setting.Kind.origins.expectation),
            ("ALLOWED_ORIGINS", "https://*.example", Setting.Kind.origins.expectation),
            ("ALLOWED_ORIGINS", "https://a.example/b", Setting.Kind.origins.expectation),
            ("ALLOWED_HOSTS", "a.example:80", Setting.Kind.hostNames.expectation),
            ("ALLOWED_HOSTS", "a.*.example", Setting.Kind.hostNames.expectation),
            ("METABASE_URL", "metabase:3000", "a URL that begins with http:// or https://"),
            ("MQTT_HOST", "broker:1883", "a host name or address, without scheme, port or path"),
            ("REALTIME_PLATFORM", "../etc", "a name of letters, digits, \"-\", \"_\" and \".\""),
        ])
    func wrongKinds(variable: String, value: String, expected: String) {
        #expect(
            description(.init(environment: [variable: value]))
                == "\(variable)=\(value) (environment variable \(variable)): expected \(expected)")
    }

    @Test("every wrong setting is listed at once, with its layer")
    func allAtOnce() {
        let text = description(
            .init(
                flags: ["port": "x"], environment: ["MAX_QUEUED_TASKS": "many"],
                script: ["websocket_enabled": .string("maybe")]))
        #expect(
            text.split(separator: "\n") == [
                "PORT=x (flag): expected a whole number from 0 to 65535",
                "MAX_QUEUED_TASKS=many (environment variable MAX_QUEUED_TASKS): "
                    + "expected a whole number from 0 to 1000000",
                "WEBSOCKET_ENABLED=maybe (script): expected true or false",
            ])
    }

    @Test("a flag that is wrong is wrong usage; a variable is not")
    func usage() {
        func isUsage(_ layers: SettingLayers) -> Bool? {
            do throws(ConfigurationError) { _ = try AgentConfig(layers) } catch { return error.isUsage }
            return nil
        }
        for (field, value) in [("port", "abc"), ("host", "a/b"), ("log_level", "LOUD"), ("nothing", "1")] {
            #expect(isUsage(.init(flags: [field: value], environment: ["PORT": "x"])) == true, "\(field)=\(value)")
        }
        #expect(isUsage(.init(flags: ["port": "1"], environment: ["HOST": "a/b"])) == false)
        #expect(isUsage(.init(flags: ["port": "1"], environment: ["PORT": "abc"])) == nil)
    }

    @Test("credentials cannot be had for pages of every origin")
    func credentials() {
        #expect(
            description(.init(environment: ["ALLOWED_ORIGINS": "*", "ALLOW_CREDENTIALS": "true"]))
                == "ALLOW_CREDENTIALS=true: expected ALLOWED_ORIGINS with each origin by its name, got *")
    }

    @Test("a wrong value does not fall through to a lower layer")
    func noFallThrough() {
        let text = description(.init(environment: ["PORT": "abc"], script: ["port": .integer(9000)]))
        #expect(text.hasPrefix("PORT=abc"))
    }

    @Test("an unknown field of the script's table names the nearest known one")
    func unknownFields() {
        #expect(
            description(.init(script: ["kafka_bootstrap_server": .string("a:1")]))
                == "config: unknown setting \"kafka_bootstrap_server\", did you mean \"kafka_bootstrap_servers\"?")
        #expect(
            description(.init(script: ["prot": .integer(1)]))
                == "config: unknown setting \"prot\", did you mean \"port\"?")
        #expect(
            description(.init(script: ["favourite_colour": .string("red")]))
                == "config: unknown setting \"favourite_colour\"; one of the script's own is "
                + "favourite_colour = agenthost.setting { default = … }")
    }

    @Test(
        "a script's value of the wrong type is refused",
        arguments: [
            ("service_name", SettingValue.integer(5)), ("port", .boolean(true)),
            ("port", .list(["1"])), ("streaming_topics", .integer(1)), ("websocket_enabled", .integer(1)),
            ("task_timeout", .number(-1)), ("port", .number(80.5)),
        ])
    func wrongScriptTypes(field: String, value: SettingValue) {
        #expect(description(.init(script: [field: value])).contains("(script): expected "))
    }

    @Test("a secret's value never appears in an error")
    func secretsAreMasked() {
        #expect(
            description(.init(script: ["kafka_password": .list(["hunter2"])]))
                == "KAFKA_PASSWORD=**** (script): expected text")
        // What a mounted secret holds is secret, whatever the key is called.
        let mounted = PlatformSecrets.of("p", mqtt: ["MQTT_HOST": "broker", "MQTT_PORT": "hunter2"])
        let text = description(.init(secrets: mounted))
        #expect(
            text
                == "MQTT_PORT=**** (secret /var/secrets/p-mqtt-secret): expected a whole number from 1 to 65535")
        for value in ["mqtt://user:hunter2@broker", "user:hunter2@broker"] {
            let text = description(.init(environment: ["MQTT_HOST": value]))
            #expect(!text.contains("hunter2") && text.contains("****@broker"))
        }
    }
}
