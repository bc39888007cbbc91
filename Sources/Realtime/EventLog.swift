import AgentModel
import NIOCore

/// The last events of one stream, numbered from 1: a value without I/O.
struct EventLog: Sendable {
    /// What a reader of the log gets.
    enum Batch: Sendable {
        /// Events as they go on the wire, and where to read on.
        case events(ByteBuffer, next: Int)
        /// Events from the offset asked for are gone.
        case gap
    }

    let epoch: UInt64
    private let prefix: String
    /// Each `data: …` and the empty line after it.
    private var events = CircularBuffer<ByteBuffer>()
    /// The offset of the first event kept.
    private(set) var first = 1
    /// What the events take in memory.
    private(set) var bytes = 0
    /// How many streams are open, over all workers.
    var readers = 0
    /// Workers with open streams, and how many each.
    var readersOfWorker: [Int: Int] = [:]
    /// When it was last published to, on a clock of the exchange's own.
    var lastPublished = 0

    init(epoch: UInt64) {
        self.epoch = epoch
        prefix = "id: \(String(epoch, radix: 16))-"
    }

    /// The offset of the event to come.
    var next: Int { first + events.count }
    var isEmpty: Bool { events.isEmpty }

    var oldestID: EventID? { events.isEmpty ? nil : EventID(epoch: epoch, offset: first) }
    /// Of the last event, even when it is not kept any more.
    var newestID: EventID { EventID(epoch: epoch, offset: next - 1) }

    /// What an event takes beside its bytes: the object that holds them, the heads that the allocator puts before both
    /// (glibc: 16 bytes each), and its place in the ring, which has up to twice the room it needs. Measured: 200,000
    /// events of 64 bytes took 200 bytes each.
    static let overheadBytes = 128

    /// What an event takes in memory.
    private static func cost(of event: ByteBuffer) -> Int { event.storageCapacity + overheadBytes }

    mutating func append(_ event: ByteBuffer, maxEvents: Int, maxBytes: Int) {
        events.append(event)
        bytes += Self.cost(of: event)
        while events.count > maxEvents || (bytes > maxBytes && events.count > 1) { dropFirst() }
    }

    mutating func removeAll() {
        first = next
        events.removeAll(keepingCapacity: false)
        bytes = 0
    }

    private mutating func dropFirst() {
        guard let event = events.popFirst() else { return }
        bytes -= Self.cost(of: event)
        first += 1
    }

    /// The events from an offset up to another (exclusive), as many as `maxBytes` takes but at least one.
    func read(from begin: Int, to end: Int, maxBytes: Int) -> Batch {
        guard begin >= first else { return .gap }
        var buffer = ByteBuffer()
        var offset = begin
        while offset < min(end, next), buffer.readableBytes < maxBytes {
            let event = events[events.index(events.startIndex, offsetBy: offset - first)]
            buffer.reserveCapacity(minimumWritableBytes: event.readableBytes + prefix.utf8.count + 24)
            buffer.writeString(prefix)
            buffer.writeJSONInteger(Int64(offset))
            buffer.writeStaticString("\n")
            buffer.writeImmutableBuffer(event)
            offset += 1
        }
        return .events(buffer, next: offset)
    }

    /// An event as the log keeps it. Line ends within JSON are white space, and on this wire they would end the line.
    static func encoded(_ json: ByteBuffer) -> ByteBuffer {
        var event = ByteBufferAllocator().buffer(capacity: json.readableBytes + 8)
        event.writeStaticString("data: ")
        let begin = event.writerIndex
        event.writeImmutableBuffer(json)
        event.withUnsafeMutableReadableBytes { bytes in
            for index in begin..<bytes.count where bytes[index] == 0x0A || bytes[index] == 0x0D { bytes[index] = 0x20 }
        }
        event.writeStaticString("\n\n")
        return event
    }

    /// What a stream begins with: only an id, which a client remembers and dispatches nothing for (HTML standard, section
    /// 9.2.6), so that one whose connection breaks before the first event can resume too.
    static func opening(_ id: EventID) -> ByteBuffer {
        ByteBuffer(string: "id: \(id)\n\n")
    }

    /// What a stream begins with, or goes on with, when events before are not to be had.
    func reset(reason: String) -> ByteBuffer {
        var buffer = ByteBuffer()
        let data: JSONValue = [
            "reason": .string(reason), "oldest": oldestID.map { .string($0.description) } ?? .null,
            "newest": events.isEmpty ? .null : .string(newestID.description),
        ]
        buffer.writeString("id: \(newestID)\nevent: reset\ndata: ")
        buffer.writeJSON(data)
        buffer.writeStaticString("\n\n")
        return buffer
    }
}
