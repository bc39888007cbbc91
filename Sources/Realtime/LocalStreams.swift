import NIOCore

/// The Server-Sent Events streams of one worker. Confined to the worker's loop.
///
/// Events reach them only through the shared logs, read by offset: so every stream, on whichever worker, shows the same
/// events with the same ids in the same order.
package final class LocalStreams {
    /// The open streams of one key that have seen everything up to `next`.
    private struct Group {
        var next: Int
        var live: [ObjectIdentifier: any EventReader] = [:]
        /// Live or not.
        var count = 0
    }

    /// How much is taken from a log at a time.
    private static let batchBytes = 256 << 10

    private let worker: Int
    private let exchange: RealtimeExchange
    private var groups: [StreamKey: Group] = [:]

    private var history: EventHistory { exchange.history }

    init(worker: Int, exchange: RealtimeExchange) {
        self.worker = worker
        self.exchange = exchange
    }

    /// Keeps an event for the streams and has every worker that shows one of them deliver it.
    func publish(_ json: ByteBuffer, to keys: [StreamKey]) {
        // On the own loop too: what a handler publishes in one turn goes out in one piece.
        for worker in history.append(EventLog.encoded(json), to: keys) {
            exchange.post(to: worker) { $0.streams.deliverPending() }
        }
    }

    func deliverPending() {
        for key in history.takePending(worker: worker) { deliver(key) }
    }

    private func deliver(_ key: StreamKey) {
        guard groups[key] != nil else { return }
        let end = history.next(of: key)
        while let begin = groups[key]?.next, begin < end {
            switch history.read(key, from: begin, to: end, maxBytes: Self.batchBytes) {
            case .events(let buffer, let next):
                groups[key]?.next = next
                send(buffer, to: key)
            case .gap:
                groups[key]?.next = history.first(of: key)
                send(history.reset(key, reason: "Events were published faster than they are kept"), to: key)
            }
        }
    }

    private func send(_ buffer: ByteBuffer, to key: StreamKey) {
        guard let live = groups[key]?.live else { return }
        for stream in live.values { stream.deliver(buffer) }
    }

    // MARK: Streams

    /// A client asked for a stream; `lastEventID` is of the last event it saw, if it saw any.
    package func open(_ stream: any EventReader, lastEventID: String?) {
        let key = stream.key
        var newest = history.open(key, worker: worker)
        if groups[key] == nil {
            groups[key] = Group(next: newest.offset + 1)
        } else {
            // So that nothing is both in what is resumed and in what comes.
            deliver(key)
        }
        groups[key]?.count += 1
        guard let lastEventID else {
            newest.offset = (groups[key]?.next ?? 1) - 1
            stream.deliver(EventLog.opening(newest))
            return join(stream)
        }
        switch history.resume(key, after: lastEventID) {
        case .from(let offset):
            stream.next = offset
            advance(stream)
        case .reset(let message):
            stream.deliver(message)
            join(stream)
        }
    }

    package func close(_ stream: any EventReader) {
        let key = stream.key
        groups[key]?.live[ObjectIdentifier(stream)] = nil
        groups[key]?.count -= 1
        if groups[key]?.count == 0 { groups[key] = nil }
        history.close(key, worker: worker)
    }

    /// Sends a stream that resumes as much as its connection takes; called again when that takes more.
    package func advance(_ stream: any EventReader) {
        let key = stream.key
        while let begin = stream.next, let end = groups[key]?.next, stream.takesMore {
            guard begin < end else {
                // The others may be behind what this client saw elsewhere: they catch up first.
                if begin > end { deliver(key) }
                return join(stream)
            }
            switch history.read(key, from: begin, to: end, maxBytes: Self.batchBytes) {
            case .events(let buffer, let next):
                stream.next = next
                stream.deliver(buffer)
            case .gap:
                stream.next = history.first(of: key)
                stream.deliver(history.reset(key, reason: "The events are no longer kept"))
            }
        }
    }

    private func join(_ stream: any EventReader) {
        guard stream.isOpen else { return }
        stream.next = nil
        groups[stream.key]?.live[ObjectIdentifier(stream)] = stream
    }
}
