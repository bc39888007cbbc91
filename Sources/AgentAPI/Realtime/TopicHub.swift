import AgentModel
import HTTP1
import NIOCore

/// The subscribers of one worker, and the way to those of the others. Confined to the worker's loop.
///
/// A message is serialized and framed once: all its receivers, on whichever worker, share the bytes.
final class TopicHub: RealtimeHub, @unchecked Sendable {
    let eventLoop: any EventLoop
    let worker: Int
    let streams: LocalStreams
    private let exchange: RealtimeExchange
    private let turnEnd: TurnEnd
    private var identifiers = IdentifierSource()
    private var clients: [String: WebSocketConnection] = [:]
    private var enveloped = Roster()
    private var everyEvent = Roster()
    private var topics: [String: Roster] = [:]

    init(eventLoop: any EventLoop, exchange: RealtimeExchange, turnEnd: TurnEnd) {
        self.eventLoop = eventLoop
        self.exchange = exchange
        self.turnEnd = turnEnd
        worker = exchange.nextWorker()
        streams = LocalStreams(worker: worker, exchange: exchange)
        exchange.attach(self)
    }

    func newIdentifier() -> String { identifiers.next() }

    func frame(_ envelope: Envelope) -> ByteBuffer { envelope.frame(messageID: identifiers.next()) }

    // MARK: Clients of this worker

    func newRecord(isRaw: Bool) -> ClientRecord {
        ClientRecord(
            id: identifiers.next(), connectionID: exchange.clients.nextConnectionID(), worker: worker, isRaw: isRaw,
            connectedAt: Timestamp.now())
    }

    func add(_ client: WebSocketConnection) {
        eventLoop.preconditionInEventLoop()
        exchange.clients.add(client.record)
        clients[client.clientID] = client
        if !client.route.isRaw { enveloped.add(client) }
        if client.route.receivesEveryEvent { everyEvent.add(client) }
    }

    func remove(_ client: WebSocketConnection) {
        guard clients.removeValue(forKey: client.clientID) != nil else { return }
        exchange.clients.remove(client.record)
        enveloped.remove(client)
        everyEvent.remove(client)
        for topic in client.subscriptions { leave(topic, client) }
    }

    /// Returns how many subscribers the topic now has, on all workers, event streams among them.
    func subscribe(_ client: WebSocketConnection, to topic: String) -> Int {
        topics[topic, default: Roster()].add(client)
        return exchange.clients.subscribe(client.record, to: topic) + exchange.history.readers(of: .topic(topic))
    }

    func unsubscribe(_ client: WebSocketConnection, from topic: String) {
        leave(topic, client)
        exchange.clients.unsubscribe(client.record, from: topic)
    }

    private func leave(_ topic: String, _ client: WebSocketConnection) {
        topics[topic]?.remove(client)
        if topics[topic]?.isEmpty == true { topics[topic] = nil }
    }

    // MARK: RealtimeHub

    func hears(_ publication: Publication) -> Bool {
        switch publication {
        case .event:
            // A stream of a topic may be open: which one is seen when the event is there.
            exchange.history.isWatched || exchange.clients.hasEnveloped
        case .topic(let topic):
            exchange.clients.subscribers(of: topic).count > 0
                || exchange.history.isWatched && exchange.history.keeps(.topic(topic))
        case .broadcast: exchange.clients.enveloped.count > 0
        }
    }

    func emit(_ event: RealtimeEvent) {
        eventLoop.preconditionInEventLoop()
        let isWatched = exchange.history.isWatched
        let hasClients = exchange.clients.hasEnveloped
        guard isWatched || hasClients else { return }
        let json = event.json()
        if isWatched {
            streams.publish(json, to: event.topic.map { [.events, .topic($0)] } ?? [.events])
        }
        guard hasClients else { return }
        let frame = frame(Envelope(type: ServerMessage.event, payload: json, correlationID: event.correlationID))
        let topic = event.topic
        deliver(event: frame, topic: topic)
        for worker in exchange.clients.enveloped.workers where worker != self.worker {
            exchange.post(to: worker) { $0.deliver(event: frame, topic: topic) }
        }
    }

    @discardableResult
    func publish(topic: String, data: ByteBuffer) -> Int {
        eventLoop.preconditionInEventLoop()
        let isWatched = exchange.history.isWatched
        let audience = exchange.clients.subscribers(of: topic)
        guard isWatched || audience.count > 0 else { return 0 }
        let payload = ServerMessage.topicPayload(topic, data)
        var readers = 0
        if isWatched {
            streams.publish(payload, to: [.topic(topic)])
            readers = exchange.history.readers(of: .topic(topic))
        }
        guard audience.count > 0 else { return readers }
        let frame = frame(Envelope(type: ServerMessage.topic, payload: payload))
        for worker in audience.workers {
            if worker == self.worker {
                deliver(frame, topic: topic)
            } else {
                exchange.post(to: worker) { $0.deliver(frame, topic: topic) }
            }
        }
        return audience.count + readers
    }

    @discardableResult
    func broadcast(type: String, payload: ByteBuffer) -> Int {
        eventLoop.preconditionInEventLoop()
        let audience = exchange.clients.enveloped
        guard audience.count > 0 else { return 0 }
        let frame = frame(Envelope(type: type, payload: payload))
        for worker in audience.workers {
            if worker == self.worker {
                deliver(frame)
            } else {
                exchange.post(to: worker) { $0.deliver(frame) }
            }
        }
        return audience.count
    }

    func send(to clientID: String, type: String, payload: ByteBuffer) -> Bool {
        reach(clientID) { $0.send(type: type, payload: payload, responseTo: nil) }
    }

    func sendRaw(to clientID: String, data: ByteBuffer, binary: Bool) -> Bool {
        reach(clientID) { $0.sendRaw(data, binary: binary) }
    }

    func close(clientID: String, code: Int, reason: String) -> Bool {
        reach(clientID) {
            $0.close(code: code, reason: reason)
            return true
        }
    }

    private func reach(_ clientID: String, _ body: @escaping @Sendable (WebSocketConnection) -> Bool) -> Bool {
        eventLoop.preconditionInEventLoop()
        if let client = clients[clientID] { return body(client) }
        guard let record = exchange.clients.record(clientID), record.worker != worker else { return false }
        exchange.post(to: record.worker) { hub in
            if let client = hub.clients[clientID] { _ = body(client) }
        }
        return true
    }

    // MARK: Delivery on this worker

    private func deliver(event bytes: ByteBuffer, topic: String?) {
        let frame = turnEnd.frames.frame(bytes)
        for client in everyEvent.members { client.deliver(frame) }
        if let subscribers = topics[StreamKey.eventsTopic] {
            for client in subscribers.members where !client.route.receivesEveryEvent { client.deliver(frame) }
        }
        guard let topic, topic != StreamKey.eventsTopic, let subscribers = topics[topic] else { return }
        for client in subscribers.members
        where !client.route.receivesEveryEvent && !client.subscriptions.contains(StreamKey.eventsTopic) {
            client.deliver(frame)
        }
    }

    private func deliver(_ bytes: ByteBuffer, topic: String) {
        if let subscribers = topics[topic] { deliver(bytes, to: subscribers) }
    }

    private func deliver(_ bytes: ByteBuffer) { deliver(bytes, to: enveloped) }

    private func deliver(_ bytes: ByteBuffer, to clients: Roster) {
        let frame = turnEnd.frames.frame(bytes)
        for client in clients.members { client.deliver(frame) }
    }
}
