import AgentModel
import AgentScript
import LuaRuntime
import NIOCore

/// `host.sent`, as plain data.
extension CapturedEffects {
    /// Pushes `{ kafka, mqtt, events, published, broadcasts, dead_letters, http }`. A topic that nothing was sent to is
    /// an empty list.
    func push(on stack: LuaStack) {
        stack.newTable(array: 0, fields: 7)
        for name in TransportName.known {
            pushByTopic(records[name] ?? [], topic: \.topic, on: stack) { record in
                name == .mqtt ? pushPublication(record, on: stack) : pushRecord(record, on: stack)
            }
            stack.setField("\(name)", of: -2)
        }
        pushList(events, on: stack) { event in
            stack.pushValue(ofBytes: event.json())
            if let topic = event.topic {
                stack.push(topic)
                stack.setField("topic", of: -2)
            }
        }
        stack.setField("events", of: -2)
        pushByTopic(published, topic: \.topic, on: stack) { stack.pushValue(ofBytes: $0.data) }
        stack.setField("published", of: -2)
        pushList(broadcasts, on: stack) { broadcast in
            stack.newTable(array: 0, fields: 2)
            stack.push(broadcast.type)
            stack.setField("type", of: -2)
            stack.pushValue(ofBytes: broadcast.payload)
            stack.setField("payload", of: -2)
        }
        stack.setField("broadcasts", of: -2)
        pushList(deadLetters, on: stack) { pushDeadLetter($0, on: stack) }
        stack.setField("dead_letters", of: -2)
        pushList(calls, on: stack) { pushCall($0, on: stack) }
        stack.setField("http", of: -2)
    }

    private func pushList<Item>(_ items: [Item], on stack: LuaStack, push: (Item) -> Void) {
        stack.newTable(array: Int32(items.count))
        for (index, item) in items.enumerated() {
            push(item)
            stack.setIndex(index + 1, of: -2)
        }
        stack.markArray(at: -1)
    }

    private func pushByTopic<Item>(
        _ items: [Item], topic: (Item) -> String, on stack: LuaStack, push: (Item) -> Void
    ) {
        stack.newTable()
        for (topic, items) in Dictionary(grouping: items, by: topic) {
            pushList(items, on: stack, push: push)
            stack.setField(topic, of: -2)
        }
        stack.newTable(array: 0, fields: 1)
        stack.pushFunction("__index") { call in
            call.stack.newTable()
            call.stack.markArray(at: -1)
            return .results(1)
        }
        stack.setField("__index", of: -2)
        stack.setMetatable(of: -2)
    }

    /// As MQTT has it, with what the publisher takes where the script has not said.
    private func pushPublication(_ record: Record, on stack: LuaStack) {
        let payload = record.value ?? ByteBuffer()
        stack.newTable(array: 0, fields: 3)
        stack.pushValue(ofBytes: payload)
        stack.setField("payload", of: -2)
        stack.push(record.integer("qos") ?? 1)
        stack.setField("qos", of: -2)
        stack.push(record.flag("retain") ?? false)
        stack.setField("retain", of: -2)
        setExact(raw: payload, headers: nil, on: stack)
    }

    private func pushRecord(_ record: Record, on stack: LuaStack) {
        stack.newTable(array: 0, fields: 4)
        if let key = record.key {
            key.withUnsafeReadableBytes { stack.push($0) }
            stack.setField("key", of: -2)
        }
        stack.pushValue(ofBytes: record.value)
        stack.setField("value", of: -2)
        stack.pushHeadersByName(record.headers)
        stack.setField("headers", of: -2)
        if let partition = record.integer("partition") {
            stack.push(partition)
            stack.setField("partition", of: -2)
        }
        setExact(raw: record.value, headers: record.headers, on: stack)
    }

    /// Gives the table on top `raw`, which tells a tombstone from JSON's null, and `header_list`: to be read, and no part
    /// of what a test compares.
    private func setExact(raw: ByteBuffer?, headers: [MessageHeader]?, on stack: LuaStack) {
        stack.newTable(array: 0, fields: 1)
        stack.newTable(array: 0, fields: 2)
        if let raw { raw.withUnsafeReadableBytes { stack.push($0) } } else { stack.pushNull() }
        stack.setField("raw", of: -2)
        if let headers {
            stack.pushHeaderList(headers)
            stack.setField("header_list", of: -2)
        }
        stack.setField("__index", of: -2)
        stack.setMetatable(of: -2)
    }

    /// A record as any other, with the message's own topic, the error and the number of attempts beside it.
    private func pushDeadLetter(_ record: Record, on stack: LuaStack) {
        pushRecord(record, on: stack)
        func header(_ name: String) -> String? {
            // The last one: a dead letter of a dead letter has those of both.
            record.headers.last { $0.name == name }?.value.map { String(decoding: $0, as: UTF8.self) }
        }
        stack.push(header("x-original-topic") ?? "")
        stack.setField("topic", of: -2)
        stack.push(header("x-error") ?? "")
        stack.setField("error", of: -2)
        stack.push(header("x-attempts").flatMap { Int($0) } ?? 0)
        stack.setField("attempts", of: -2)
    }

    private func pushCall(_ call: HTTPCall, on stack: LuaStack) {
        stack.newTable(array: 0, fields: 6)
        stack.push(call.method)
        stack.setField("method", of: -2)
        stack.push(call.url)
        stack.setField("url", of: -2)
        stack.setHeaders(call.headers.map { MessageHeader(name: $0.name.lowercased(), value: Array($0.value.utf8)) })
        guard let body = call.body else { return }
        body.withUnsafeReadableBytes { stack.push($0) }
        stack.setField("body", of: -2)
        if (try? body.withUnsafeReadableBytes { try stack.pushJSON($0) }) != nil { stack.setField("json", of: -2) }
    }
}

extension LuaStack {
    /// Pushes what bytes mean as JSON, else the bytes as a string; null for none.
    func pushValue(ofBytes bytes: ByteBuffer?) {
        guard let bytes else { return pushNull() }
        bytes.withUnsafeReadableBytes { bytes in
            do throws(JSONDecodingError) { try pushJSON(bytes) } catch { push(bytes) }
        }
    }
}
