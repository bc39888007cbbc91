/// The models of the wire (contract section 5), shared by all scripts.
extension ModelSchema {
    static let ofContract: [ModelSchema] = [
        ModelSchema(
            name: "RealtimeEvent",
            fields: [
                ModelField("event_id", .string, absent: .identifier),
                ModelField("event_type", .string),
                ModelField("source_service", .string),
                ModelField("source_agent", .string, absent: .allowed),
                ModelField("data", .map(.any), absent: .emptyTable),
                ModelField("timestamp", .timestamp, absent: .now),
                ModelField("correlation_id", .string, absent: .allowed),
                ModelField("stream_id", .string, absent: .allowed),
                ModelField("priority", .integer(1...3), absent: .integer(1)),
            ]),
        ModelSchema(
            name: "HealthData",
            fields: [
                ModelField("device_id", .string),
                ModelField("patient_id", .string, absent: .allowed),
                ModelField("reading_type", .string),
                ModelField("value", .union([.number, .map(.number)])),
                ModelField("unit", .string),
                ModelField("timestamp", .timestamp, absent: .now),
                ModelField(
                    "location", .object([ModelField("latitude", .number), ModelField("longitude", .number)]),
                    absent: .allowed),
                ModelField("device_metadata", .map(.any), absent: .allowed),
            ]),
        ModelSchema(
            name: "KafkaMessage",
            fields: [
                ModelField("topic", .string),
                ModelField("key", .string, absent: .allowed),
                // Null for a tombstone.
                ModelField("value", .any),
                ModelField("headers", .map(.any), absent: .allowed),
                ModelField("timestamp", .timestamp, absent: .now),
                ModelField("partition", .integer(0...Int64(Int32.max)), absent: .allowed),
                ModelField("offset", .integer(nil), absent: .allowed),
            ]),
        ModelSchema(
            name: "MQTTMessage",
            fields: [
                ModelField("topic", .string),
                ModelField("payload", .any),
                ModelField("qos", .integer(0...2), absent: .integer(1)),
                ModelField("retain", .boolean, absent: .boolean(false)),
                ModelField("timestamp", .timestamp, absent: .now),
                ModelField("message_id", .union([.integer(nil), .string]), absent: .allowed),
            ]),
        ModelSchema(
            name: "StreamingData",
            fields: [
                ModelField("data_id", .string, absent: .identifier),
                ModelField("data_type", .choice(streamingDataTypes)),
                ModelField("source", .string),
                ModelField("payload", .any),
                ModelField("timestamp", .timestamp, absent: .now),
                ModelField("schema_version", .string, absent: .string("1.0")),
                ModelField("metadata", .map(.any), absent: .allowed),
            ]),
        ModelSchema(
            name: "AgentTask",
            fields: [
                ModelField("task_id", .string, absent: .identifier),
                ModelField("task_type", .string),
                ModelField("payload", .map(.any)),
                ModelField("metadata", .map(.any), absent: .allowed),
                ModelField("created_at", .timestamp, absent: .now),
                ModelField("priority", .integer(1...3), absent: .integer(1)),
            ]),
        ModelSchema(
            name: "AgentResponse",
            fields: [
                ModelField("success", .boolean),
                ModelField("result", .any, absent: .allowed),
                ModelField("error", .string, absent: .allowed),
                ModelField("metadata", .map(.any), absent: .allowed),
                // Seconds.
                ModelField("processing_time", .number),
                ModelField("created_at", .timestamp, absent: .now),
            ]),
        ModelSchema(
            name: "WebSocketMessage",
            fields: [
                ModelField("message_id", .string, absent: .identifier),
                ModelField("message_type", .string),
                ModelField("payload", .map(.any)),
                ModelField("timestamp", .timestamp, absent: .now),
                ModelField("correlation_id", .string, absent: .allowed),
                ModelField("response_to", .string, absent: .allowed),
            ]),
    ]

    private static let streamingDataTypes = [
        "health_data", "device_data", "sensor_data", "agent_communication", "system_metrics", "user_interaction",
        "business_event",
    ]
}
