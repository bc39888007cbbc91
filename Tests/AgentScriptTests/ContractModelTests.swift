import AgentModel
import Testing

/// `agenthost.models.*`.
@Suite struct ContractModelTests {
    private static let now: JSONValue = "2026-01-02T03:04:05.678Z"
    private static let firstIdentifier: JSONValue = "00000000-0000-4000-8000-000000000001"

    @Test(
        "a model fills in what is not given",
        arguments: [
            (
                #"RealtimeEvent { event_type = "custom_event", source_service = "s" }"#,
                [
                    "event_id": firstIdentifier, "event_type": "custom_event", "source_service": "s", "data": [:],
                    "timestamp": now, "priority": 1,
                ]
            ),
            (
                #"HealthData { device_id = "d", reading_type = "heart_rate", value = 61.5, unit = "bpm" }"#,
                ["device_id": "d", "reading_type": "heart_rate", "value": 61.5, "unit": "bpm", "timestamp": now]
            ),
            (
                #"KafkaMessage { topic = "t", value = { a = 1 } }"#,
                ["topic": "t", "value": ["a": 1], "timestamp": now]
            ),
            (
                #"MQTTMessage { topic = "t", payload = "p" }"#,
                ["topic": "t", "payload": "p", "qos": 1, "retain": false, "timestamp": now]
            ),
            (
                #"StreamingData { data_type = "sensor_data", source = "s", payload = 1 }"#,
                [
                    "data_id": firstIdentifier, "data_type": "sensor_data", "source": "s", "payload": 1,
                    "timestamp": now,
                    "schema_version": "1.0",
                ]
            ),
            (
                #"AgentTask { task_type = "t", payload = {} }"#,
                ["task_id": firstIdentifier, "task_type": "t", "payload": [:], "created_at": now, "priority": 1]
            ),
            (
                #"AgentResponse { success = true, result = { 1 }, processing_time = 0.5 }"#,
                ["success": true, "result": [1], "processing_time": 0.5, "created_at": now]
            ),
            (
                #"WebSocketMessage { message_type = "ping", payload = {} }"#,
                ["message_id": firstIdentifier, "message_type": "ping", "payload": [:], "timestamp": now]
            ),
        ] as [(String, JSONValue)])
    func defaults(call: String, expected: JSONValue) throws {
        #expect(try TestScript.evaluate("return agenthost.models.\(call)") == [expected])
    }

    @Test("every given field is kept")
    func givenFields() throws {
        let results = try TestScript.evaluate(
            """
            return agenthost.models.HealthData {
              device_id = "d1", patient_id = "p1", reading_type = "blood_pressure", unit = "mmHg",
              value = { systolic = 150, diastolic = 95.5 }, timestamp = "2025-06-01T10:00:00+02:00",
              location = { latitude = 59.3, longitude = 18 }, device_metadata = { model = "X", tags = { "a" } },
            }
            """)
        #expect(
            results == [
                [
                    "device_id": "d1", "patient_id": "p1", "reading_type": "blood_pressure", "unit": "mmHg",
                    "value": ["systolic": 150, "diastolic": 95.5], "timestamp": "2025-06-01T08:00:00.000Z",
                    "location": ["latitude": 59.3, "longitude": 18],
                    "device_metadata": ["model": "X", "tags": ["a"]],
                ]
            ])
    }

    @Test(
        "the message lists every wrong field",
        arguments: [
            (
                #"HealthData { reading_type = "r", unit = "u", value = "high" }"#,
                "HealthData: device_id: required; value: number or table of numbers expected, got string"
            ),
            (
                #"HealthData { device_id = 7, reading_type = true, unit = {}, value = { systolic = "x" }, location = { latitude = "n" } }"#,
                "HealthData: device_id: string expected, got number; reading_type: string expected, got boolean; "
                    + #"value.systolic: number expected, got "x"; unit: string expected, got table; "#
                    + #"location.latitude: number expected, got "n"; location.longitude: required"#
            ),
            (
                #"RealtimeEvent { priority = 4, data = { 1, 2 } }"#,
                "RealtimeEvent: event_type: required; source_service: required; data: table expected, got list; "
                    + "priority: integer from 1 to 3 expected, got 4"
            ),
            (
                #"RealtimeEvent { event_type = "e", source_service = "s", priority = 1.5, timestamp = "yesterday" }"#,
                "RealtimeEvent: timestamp: time in ISO 8601 expected, got \"yesterday\"; priority: integer expected, got 1.5"
            ),
            (
                #"MQTTMessage { topic = "t", payload = print, qos = -1, retain = 2, message_id = {} }"#,
                "MQTTMessage: payload: a value expected, got function; qos: integer from 0 to 2 expected, got -1; "
                    + "retain: boolean expected, got 2; message_id: integer or string expected, got table"
            ),
            (
                #"StreamingData { data_type = "sensor_dat", source = "s", payload = 1 }"#,
                "StreamingData: data_type: one of health_data, device_data, sensor_data, agent_communication, "
                    + "system_metrics, user_interaction, business_event expected, got \"sensor_dat\" (did you mean 'sensor_data'?)"
            ),
            (
                #"AgentResponse { success = "perhaps", processing_time = 0/0 }"#,
                #"AgentResponse: success: boolean expected, got "perhaps"; "#
                    + "processing_time: finite number expected, got "
            ),
            (
                #"KafkaMessage { topic = "t", partition = -1, headers = { 1 } }"#,
                "KafkaMessage: value: required; headers: table expected, got list; "
                    + "partition: integer from 0 to 2147483647 expected, got -1"
            ),
        ] as [(String, String)])
    func complaints(call: String, expected: String) throws {
        let results = try TestScript.evaluate(
            "local value, message = agenthost.models.\(call) return value == nil, message")
        #expect(results.first == true)
        #expect(results.last?.stringValue?.hasPrefix(expected) == true, "\(results)")
    }

    @Test(
        "what is no table of fields is an expected failure",
        arguments: [
            (#""text""#, "table expected, got string"), ("nil", "table expected, got nil"),
            ("3", "table expected, got number"),
            ("agenthost.null", "table expected, got null"), ("{ 1, 2 }", "table expected, got list"),
            ("agenthost.array {}", "table expected, got list"),
        ] as [(String, String)])
    func noTable(value: String, complaint: String) throws {
        #expect(
            try TestScript.evaluate("return agenthost.models.HealthData(\(value))") == [
                .null, .string("HealthData: \(complaint)"),
            ])
    }

    @Test("a call without an argument is misuse")
    func noArgument() throws {
        #expect(
            try TestScript.failure("agenthost.models.HealthData()")
                == "agent.lua:3: bad argument 'data' to 'HealthData' (table expected, got nothing)")
    }

    @Test("fields that the model does not name are left out, and the given table stays as it was")
    func unknownFields() throws {
        let results = try TestScript.evaluate(
            """
            local given = { topic = "t", value = 1, colour = "red", timestamp = 0 }
            local made = agenthost.models.KafkaMessage(given)
            return made, given, rawequal(made, given), getmetatable(made) == nil
            """)
        #expect(
            results == [
                ["topic": "t", "value": 1, "timestamp": "1970-01-01T00:00:00.000Z"],
                ["topic": "t", "value": 1, "colour": "red", "timestamp": 0], false, true,
            ])
    }

    @Test("null is absent where a field may be, a value where anything goes, and else wrong")
    func nulls() throws {
        let results = try TestScript.evaluate(
            """
            local null = agenthost.null
            local made = agenthost.models.KafkaMessage { topic = "t", key = null, value = null, timestamp = null }
            local _, message = agenthost.models.KafkaMessage { topic = null, value = 1 }
            return made.key == nil, made.value == null, made.timestamp, message
            """)
        #expect(results == [true, true, Self.now, "KafkaMessage: topic: string expected, got null"])
    }

    @Test(
        "times are read in any form and leave in one",
        arguments: [
            (#""2025-06-01T10:00:00Z""#, "2025-06-01T10:00:00.000Z"),
            (#""2025-06-01 10:00:00.123456+00:00""#, "2025-06-01T10:00:00.123Z"),
            (#""20250601T1000-0130""#, "2025-06-01T11:30:00.000Z"), (#""2025-06-01""#, "2025-06-01T00:00:00.000Z"),
            ("1748772000", "2025-06-01T10:00:00.000Z"), ("1748772000.25", "2025-06-01T10:00:00.250Z"),
            ("1748772000123", "2025-06-01T10:00:00.123Z"), ("-1", "1969-12-31T23:59:59.000Z"),
        ] as [(String, String)])
    func times(given: String, expected: String) throws {
        #expect(
            try TestScript.evaluate(
                "return agenthost.models.KafkaMessage({ topic = 't', value = 1, timestamp = \(given) }).timestamp")
                == [.string(expected)])
    }

    @Test(
        "what is no time is wrong",
        arguments: [
            (#""soon""#, #"got "soon""#), ("true", "got boolean"), ("1e300", "got 1e+300"), ("0/0", "got "),
            ("{}", "got table"),
        ])
    func noTimes(given: String, complaint: String) throws {
        let results = try TestScript.evaluate(
            "return select(2, agenthost.models.KafkaMessage { topic = 't', value = 1, timestamp = \(given) })")
        let message = try #require(results.first?.stringValue)
        #expect(message.hasPrefix("KafkaMessage: timestamp: time in ISO 8601 expected, \(complaint)"))
    }

    @Test("an unknown model is an error that names the nearest")
    func unknownModel() throws {
        #expect(
            try TestScript.failure("return agenthost.models.HealthDta")
                == "agent.lua:3: agenthost.models has no 'HealthDta' (did you mean 'HealthData'?)")
    }

    @Test("a model has no fields to read")
    func fieldOfModel() throws {
        #expect(
            try TestScript.failure("return agenthost.models.HealthData.device_id")
                == "agent.lua:3: a model has no field 'device_id'; call it: agenthost.models.HealthData(data)")
    }

    @Test("assert composes with a model")
    func asserted() throws {
        let message = try TestScript.failure("assert(agenthost.models.HealthData {})")
        #expect(
            message
                == "agent.lua:3: HealthData: device_id: required; reading_type: required; value: required; unit: required"
        )
    }

    @Test("an integral float is an integer where one is expected")
    func integralFloat() throws {
        #expect(
            try TestScript.evaluate(
                "return math.type(agenthost.models.MQTTMessage({ topic = 't', payload = 1, qos = 2.0 }).qos)")
                == ["integer"])
    }
}
