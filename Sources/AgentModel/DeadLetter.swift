package import NIOCore

/// A message that failed for good, on its way to the topic for such messages.
package enum DeadLetter: Sendable {
    case kafka(KafkaRecord)
    case mqtt(MQTTPublication)

    package var topic: String {
        switch self {
        case .kafka(let record): record.topic
        case .mqtt(let publication): publication.topic
        }
    }

    package var effect: Effect {
        switch self {
        case .kafka(let record): .kafka(record)
        case .mqtt(let publication): .mqtt(publication)
        }
    }
}

/// A dead letter that no broker took, as it is kept: one line of JSON, its bytes in Base64 so that none is altered.
package struct KeptLetter: Sendable {
    /// UUID.
    package let id: String
    /// Milliseconds since 1970, when it was kept.
    package let time: Int64
    /// Why its broker did not take it, for people.
    package let reason: String
    package let letter: DeadLetter

    package init(id: String, time: Int64, reason: String, letter: DeadLetter) {
        self.id = id
        self.time = time
        self.reason = reason
        self.letter = letter
    }

    package func json() -> ByteBuffer {
        var fields: [(String, JSONValue)] = [
            ("id", .string(id)), ("time", .string(Timestamp.text(time))), ("reason", .string(reason)),
        ]
        switch letter {
        case .kafka(let record):
            fields += [
                ("broker", "kafka"), ("topic", .string(record.topic)),
                ("partition", record.partition.map { .integer(Int64($0)) } ?? .null),
                ("key", Self.json(record.key)), ("value", Self.json(record.value)),
                ("headers", .array(record.headers.map(Self.json))),
            ]
        case .mqtt(let publication):
            fields += [
                ("broker", "mqtt"), ("topic", .string(publication.topic)), ("value", Self.json(publication.payload)),
                ("qos", .integer(Int64(publication.qos))), ("retain", .bool(publication.retain)),
            ]
        }
        return JSONValue.object(JSONObject(fields)).json()
    }

    /// nil: the line is no kept letter.
    package init?(line: ByteBuffer) {
        guard let value = try? JSONValue(parsing: line), let id = value["id"]?.stringValue,
            let time = value["time"]?.stringValue.flatMap(Timestamp.parse), let letter = try? Self.letter(value)
        else { return nil }
        self.id = id
        self.time = time
        reason = value["reason"]?.stringValue ?? ""
        self.letter = letter
    }

    private struct Malformed: Error {}

    private static func letter(_ value: JSONValue) throws -> DeadLetter {
        guard let topic = value["topic"]?.stringValue else { throw Malformed() }
        let bytes = try bytes(value["value"])
        switch value["broker"]?.stringValue {
        case "kafka":
            return .kafka(
                KafkaRecord(
                    topic: topic, key: try Self.bytes(value["key"]), value: bytes,
                    headers: try (value["headers"]?.arrayValue ?? []).map(header),
                    partition: value["partition"]?.integerValue.flatMap { Int32(exactly: $0) }))
        case "mqtt":
            guard let qos = value["qos"]?.integerValue, (0...2).contains(qos) else { throw Malformed() }
            return .mqtt(
                MQTTPublication(
                    topic: topic, payload: bytes ?? ByteBuffer(), qos: Int(qos),
                    retain: value["retain"]?.boolValue ?? false))
        default: throw Malformed()
        }
    }

    private static func header(_ pair: JSONValue) throws -> MessageHeader {
        guard let name = pair[0]?.stringValue else { throw Malformed() }
        return MessageHeader(name: name, value: try bytes(pair[1]).map { Array(buffer: $0) })
    }

    private static func json(_ header: MessageHeader) -> JSONValue {
        [.string(header.name), json(header.value.map { ByteBuffer(bytes: $0) })]
    }

    private static func json(_ bytes: ByteBuffer?) -> JSONValue {
        bytes.map { .string($0.withUnsafeReadableBytes(Base64.text(of:))) } ?? .null
    }

    private static func bytes(_ value: JSONValue?) throws -> ByteBuffer? {
        guard let value, !value.isNull else { return nil }
        guard let bytes = value.stringValue.flatMap(Base64.bytes(of:)) else { throw Malformed() }
        return ByteBuffer(bytes: bytes)
    }
}
