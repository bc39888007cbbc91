import Testing

@testable import AgentConfiguration

@Suite("OAMApplication")
struct OAMApplicationTests {
    private let text = """
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: unrelated
        ---
        apiVersion: core.oam.dev/v1beta1
        kind: Application
        metadata:
          name: clinic
        spec:
          components:
          - name: streams
            type: realtime-platform
            properties:
              name: my-platform
              topics:
              - name: sensor_raw
          - name: my-service
            type: webservice
            properties:
              image: example/my-service:1
              realtime: "my-platform"
              websocket: true
              streaming:
                enabled: true
                topics: ["events", "data"]
                consumerGroup: readers
              environment:
                LOG_LEVEL: debug
                MAX_CONCURRENT_TASKS: 4
                ANTHROPIC_API_KEY: hunter2
          - name: gateway
            type: realtime-service
            properties:
              realtime: elsewhere
              consumes: [sensor_agg, "vitals/raw"]
              produces:
                Out: alerts
              identity: login
          - name: hook
            type: realtime-service
            properties: {realtime: my-platform, role: webhook, websocket: false, consumes: [a]}
        """

    private func application(_ yaml: String) throws -> OAMApplication {
        try OAMApplication(yaml: yaml, file: "app.yaml")
    }

    private func failure(_ yaml: String) -> [String] {
        do {
            _ = try OAMApplication(yaml: yaml, file: "app.yaml")
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    /// An application of one webservice with these properties, which begin in line 9.
    private func webservice(_ properties: String) -> String {
        """
        apiVersion: core.oam.dev/v1beta1
        kind: Application
        metadata: {name: x}
        spec:
          components:
          - name: s
            type: webservice
            properties:
        \(properties)
        """
    }

    @Test("a webservice is given its platform, topics and environment")
    func webserviceBindings() throws {
        let application = try application(text)
        #expect(application.name == "clinic")
        #expect(application.components.map(\.name) == ["streams", "my-service", "gateway", "hook"])
        #expect(application.services.map(\.name) == ["my-service", "gateway", "hook"])
        let bindings = try application.bindings(component: "my-service")
        #expect(bindings.platform == "my-platform")
        #expect(bindings.topics == ["events", "data"])
        #expect(bindings.notes == [])
        #expect(
            bindings.environment == [
                "REALTIME_PLATFORM": "my-platform", "WEBSOCKET_ENABLED": "true", "STREAMING_TOPICS": "events,data",
                "STREAMING_CONSUMER_GROUP": "readers", "LOG_LEVEL": "debug", "MAX_CONCURRENT_TASKS": "4",
                "ANTHROPIC_API_KEY": "hunter2",
            ])
        #expect(
            bindings.secrets == [
                "my-platform-kafka-secret", "my-platform-mqtt-secret", "my-platform-db-secret",
                "my-platform-metabase-secret", "my-platform-lenses-secret",
            ])
        // What it is given is a configuration the host accepts.
        let config = try AgentConfig(.init(environment: bindings.environment))
        #expect(config.streamingTopics == ["events", "data"] && config.maxConcurrentTasks == 4)
    }

    @Test("a realtime-service gets a variable for each topic, its role and its identity's secret")
    func realtimeServiceBindings() throws {
        let bindings = try application(text).bindings(component: "gateway")
        #expect(
            bindings.environment == [
                "REALTIME_PLATFORM": "elsewhere", "WEBSOCKET_ENABLED": "true", "REALTIME_ROLE": "gateway",
                "CONSUME_sensor_agg": "sensor_agg", "CONSUME_vitals_raw": "vitals/raw", "PRODUCE_Out": "alerts",
            ])
        #expect(bindings.topics == ["sensor_agg", "vitals/raw"])
        #expect(bindings.produces == ["alerts"])
        #expect(bindings.identitySecret == "login-conn")
        #expect(bindings.notes.count == 1 && bindings.notes.first?.contains("\"elsewhere\"") == true)
    }

    @Test("a webhook gets a consumer group of its own")
    func webhook() throws {
        let environment = try application(text).bindings(component: "hook").environment
        #expect(environment["STREAMING_CONSUMER_GROUP"] == "hook")
        #expect(environment["WEBSOCKET_ENABLED"] == "false" && environment["REALTIME_ROLE"] == "webhook")
    }

    @Test("streaming that is not enabled binds no topics")
    func disabledStreaming() throws {
        let yaml = webservice("      streaming: {enabled: false, topics: [a]}")
        #expect(try application(yaml).bindings().variables == [])
    }

    @Test("the rendering is YAML for a container and a pod, values quoted, secrets masked")
    func rendering() throws {
        let rendered = try application(text).rendered(component: "my-service")
        #expect(rendered.hasPrefix("# What the component my-service is given.\nenv:\n- name: \"REALTIME_PLATFORM\"\n"))
        #expect(rendered.contains("- name: \"MAX_CONCURRENT_TASKS\"\n  value: \"4\"\n"))
        #expect(rendered.contains("- name: \"ANTHROPIC_API_KEY\"\n  value: \"****\"\n"))
        #expect(!rendered.contains("hunter2"))
        #expect(rendered.contains("mountPath: \"/var/secrets/my-platform-kafka-secret\""))
        #expect(rendered.contains("secretName: \"my-platform-lenses-secret\"\n    optional: true\n"))
        let gateway = try application(text).rendered(component: "gateway")
        #expect(gateway.contains("envFrom:\n- secretRef:\n    name: \"login-conn\"\n    optional: true\n"))
        #expect(gateway.contains("# Note: platform \"elsewhere\" is not part of this application"))
    }

    @Test("KubeVela's env list is given and rendered beside environment, with topics' variables; the later one wins")
    func containerEnvironment() throws {
        let application = try application(
            webservice(
                """
                      realtime: p
                      consumes: [readings]
                      produces: {OUT: copies}
                      environment: {LOG_LEVEL: debug, A: "1"}
                      env:
                      - name: A
                        value: 2
                      - name: EMPTY
                      - name: DB_PASSWORD
                        valueFrom: {secretKeyRef: {name: db, key: password}}
                      - name: CONSUME_MORE
                        value: more
                """))
        let bindings = try application.bindings()
        #expect(
            bindings.environment == [
                "REALTIME_PLATFORM": "p", "CONSUME_readings": "readings", "PRODUCE_OUT": "copies", "LOG_LEVEL": "debug",
                "A": "2", "EMPTY": "", "CONSUME_MORE": "more",
            ])
        #expect(bindings.topics == ["more", "readings"])
        #expect(bindings.notes.contains { $0.hasPrefix("DB_PASSWORD comes from the key \"password\" of \"db\"") })
        let rendered = try application.rendered()
        for (name, value) in bindings.environment {
            #expect(rendered.contains("- name: \"\(name)\"\n  value: \"\(value)\"\n"), "\(name)")
        }
        #expect(
            rendered.contains(
                "- name: \"DB_PASSWORD\"\n  valueFrom:\n    secretKeyRef:\n      name: \"db\"\n      key: \"password\"\n"
            ))
    }

    @Test("an unknown role, and an environment that cannot be read, are refused with their lines")
    func wrongRole() {
        let yaml = webservice(
            """
                  role: procesor
                  env:
                  - value: 1
                  - name: A
                    valueFrom: {fieldRef: {fieldPath: status.podIP}}
                  - name: B
                    valueFrom: {secretKeyRef: {name: db}}
            """)
        #expect(
            failure(yaml) == [
                "app.yaml:9: s: role: expected one of gateway, ingest, processor, webhook, not \"procesor\"",
                "app.yaml:11: s: env[0].name is missing",
                "app.yaml:13: s: env[1].valueFrom: expected secretKeyRef or configMapKeyRef, not a mapping",
                "app.yaml:15: s: env[2].valueFrom.secretKeyRef.key is missing",
            ])
    }

    @Test("an unknown component, or none where there are several, lists the known ones")
    func unknownComponents() throws {
        let application = try application(text)
        let known = "(known: my-service, gateway, hook)"
        let unknown = "no component \"x\" \(known)"
        #expect(throws: OAMError(problems: [.init(file: "app.yaml", line: nil, message: unknown)])) {
            try application.bindings(component: "x")
        }
        let several = "the application has several services, name one of them \(known)"
        #expect(throws: OAMError(problems: [.init(file: "app.yaml", line: nil, message: several)])) {
            try application.bindings()
        }
        let infrastructure = "component \"streams\" of type realtime-platform runs no service \(known)"
        #expect(throws: OAMError(problems: [.init(file: "app.yaml", line: 12, message: infrastructure)])) {
            try application.rendered(component: "streams")
        }
    }

    @Test("every property of the wrong kind is reported with its line")
    func wrongKinds() {
        let yaml = webservice(
            """
                  realtime: true
                  websocket: perhaps
                  streaming:
                    enabled: 3
                    topics: events
                  consumes: [a, {b: c}]
                  role: []
                  identity: a/b
                  environment:
                    A: [1]
            """)
        #expect(
            failure(yaml) == [
                "app.yaml:9: s: realtime: expected text, not \"true\"",
                "app.yaml:10: s: websocket: expected true or false, not \"perhaps\"",
                "app.yaml:12: s: streaming.enabled: expected true or false, not \"3\"",
                "app.yaml:13: s: streaming.topics: expected a list of topics, not \"events\"",
                "app.yaml:14: s: consumes[1]: expected text, not a mapping",
                "app.yaml:15: s: role: expected text, not a list",
                "app.yaml:16: s: identity: expected a name of letters, digits, \"-\", \"_\" and \".\", not \"a/b\"",
                "app.yaml:18: s: environment.A: expected one value",
            ])
    }

    @Test("what is missing, and what is there twice, is reported with its line")
    func structure() {
        #expect(failure("a: 1") == ["app.yaml: no Application of core.oam.dev in this file"])
        #expect(failure("") == ["app.yaml: no Application of core.oam.dev in this file"])
        #expect(
            failure("kind: Application\napiVersion: apps/v1")
                == ["app.yaml:2: apiVersion: expected core.oam.dev/v1beta1"])
        #expect(
            failure("apiVersion: core.oam.dev/v1beta1\nkind: Application\nmetadata: {name: x}\nspec: 5")
                == ["app.yaml:4: spec: expected a mapping, not \"5\""])
        let twice = webservice("      image: i\n  - name: s\n    type: webservice\n  - type: webservice")
        #expect(
            failure(twice) == [
                "app.yaml:10: component \"s\" is there already, in line 6",
                "app.yaml:12: spec.components[2].name is missing",
            ])
    }

    @Test("text that is no YAML is reported with its line")
    func syntax() {
        #expect(
            failure("apiVersion: core.oam.dev/v1beta1\nkind: Application\nmetadata:\n\tname: x\n")
                == ["app.yaml:4: a tab indents this line: YAML allows spaces only"])
        let duplicate = failure("apiVersion: core.oam.dev/v1beta1\nkind: Application\nkind: Application\n")
        #expect(duplicate.count == 1 && duplicate.first?.contains("more than once: \"kind\"") == true)
        let open = failure("spec: [1, 2\nkind: x: y\n")
        #expect(open.count == 1 && open.first?.hasPrefix("app.yaml:") == true)
        #expect(open.first.map { $0.dropFirst("app.yaml:".count).first?.isNumber } == true)
    }

    @Test("a file that is not there is told by its path")
    func missingFile() {
        #expect(throws: OAMError(problems: [.init(file: "/nowhere.yaml", line: nil, message: "no such file")])) {
            try OAMApplication(contentsOfFile: "/nowhere.yaml")
        }
    }
}
