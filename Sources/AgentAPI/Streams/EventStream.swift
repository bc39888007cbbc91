import HTTP1
import NIOCore
import Realtime

/// A Server-Sent Events response that stays open. Confined to the loop of its connection.
final class EventStream: EventReader, Successor {
    let key: StreamKey
    /// While earlier events are sent again: the offset of the next of them. Nil once the stream is live.
    var next: Int?
    private let connection: HTTPConnection
    private let streams: LocalStreams
    private let commentInterval: TimeAmount
    private var commentDue: NIODeadline
    private(set) var isOpen = false

    init(key: StreamKey, connection: HTTPConnection, reception: Reception) {
        self.key = key
        self.connection = connection
        streams = reception.topics.streams
        commentInterval = reception.settings.commentInterval
        commentDue = reception.floor.clock + commentInterval
    }

    func open(lastEventID: String?) {
        isOpen = true
        streams.open(self, lastEventID: lastEventID)
    }

    /// Whatever the client says means nothing.
    func receive(_ input: inout ByteBuffer) -> Bool {
        input.clear()
        return false
    }

    func stop() {
        close()
        connection.endOutput()
    }

    func aborted() { close() }

    func lost() { close() }

    /// The connection is gone, or about to be.
    func close() {
        guard isOpen else { return }
        isOpen = false
        streams.close(self)
    }

    /// False while a resuming stream must wait for its client.
    var takesMore: Bool { isOpen && connection.takesMore() }

    func deliver(_ buffer: ByteBuffer) {
        guard isOpen, buffer.readableBytes > 0 else { return }
        // A stream that resumes is sent no more than its client takes; a live one whose client does not keep up ends.
        guard next != nil || connection.takesMore() else {
            close()
            connection.abort("an event stream's client is too slow")
            return
        }
        connection.send(buffer)
    }

    func becameWritable() {
        if next != nil { streams.advance(self) }
    }

    func tick(_ now: NIODeadline) {
        guard isOpen, now >= commentDue else { return }
        commentDue = now + commentInterval
        // Without an empty line, for which some clients would dispatch an event of nothing.
        if takesMore { connection.send(ByteBuffer(string: ": keep-alive\n")) }
    }
}
