package import NIOCore

/// A message that failed for good, on its way to the topic for such messages.
package struct DeadLetter: Sendable {
    package let transport: TransportName
    package let record: Record

    package init(_ transport: TransportName, _ record: Record) {
        self.transport = transport
        self.record = record
    }

    package var topic: String { record.topic }
    package var effect: Effect { .send(transport, record) }
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
        let record = letter.record
        var fields: [(String, JSONValue)] = [
            ("id", .string(id)), ("time", .string(Timestamp.text(time))), ("reason", .string(reason)),
            ("broker", .string("\(letter.transport)")), ("topic", .string(record.topic)),
            ("key", Self.json(record.key)), ("value", Self.json(record.value)),
            ("headers", .array(record.headers.map(Self.json))),
        ]
        for option in record.options {
            switch option.value {
            case .integer(let value): fields.append((option.name, .integer(value)))
            case .flag(let value): fields.append((option.name, .bool(value)))
            }
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

    private static let names: Set = ["id", "time", "reason", "broker", "topic", "key", "value", "headers"]

    private static func letter(_ value: JSONValue) throws -> DeadLetter {
        guard let topic = value["topic"]?.stringValue,
            let transport = value["broker"]?.stringValue.flatMap(TransportName.init(known:))
        else { throw Malformed() }
        var record = Record(
            topic: topic, key: try bytes(value["key"]), value: try bytes(value["value"]),
            headers: try (value["headers"]?.arrayValue ?? []).map(header))
        for member in value.objectValue?.members ?? [] where !names.contains(member.key) {
            if let integer = member.value.integerValue {
                record.options.append(Record.Option(member.key, .integer(integer)))
            } else if let flag = member.value.boolValue {
                record.options.append(Record.Option(member.key, .flag(flag)))
            }
        }
        return DeadLetter(transport, record)
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
