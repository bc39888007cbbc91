package import AgentModel
package import NIOCore

/// The subscribers of one worker, and the way to those of the others. Confined to the worker's loop.
///
/// A message is serialized and framed once: all its receivers, on whichever worker, share the bytes.
package final class TopicHub: RealtimeHub, @unchecked Sendable {
    package let eventLoop: any EventLoop
    package let worker: Int
    package let streams: LocalStreams
    private let exchange: RealtimeExchange
    private var audiences: Audiences
    private let wire: any RealtimeWire
    private var identifiers = IdentifierSource()
    private var clients: [String: any RealtimeClient] = [:]
    private var enveloped = Roster()
    private var everyEvent = Roster()
    private var topics: [String: Roster] = [:]

    package init(eventLoop: any EventLoop, exchange: RealtimeExchange, wire: any RealtimeWire) {
        self.eventLoop = eventLoop
        self.exchange = exchange
        audiences = Audiences(exchange.clients)
        self.wire = wire
        worker = exchange.nextWorker()
        streams = LocalStreams(worker: worker, exchange: exchange)
        exchange.attach(self)
    }

    package func newIdentifier() -> String { identifiers.next().description }

    package func frame(_ envelope: Envelope) -> ByteBuffer {
        wire.encoded(envelope, messageID: identifiers.next().description)
    }

    // MARK: Clients of this worker

    package func newRecord(isRaw: Bool) -> ClientRecord {
        ClientRecord(
            id: identifiers.next().description, connectionID: exchange.clients.nextConnectionID(), worker: worker,
            isRaw: isRaw,
            connectedAt: Timestamp.now())
    }

    package func add(_ client: any RealtimeClient) {
        eventLoop.preconditionInEventLoop()
        exchange.clients.add(client.record)
        clients[client.clientID] = client
        if !client.record.isRaw { enveloped.add(client) }
        if client.receivesEveryEvent { everyEvent.add(client) }
    }

    package func remove(_ client: any RealtimeClient) {
        guard clients.removeValue(forKey: client.clientID) != nil else { return }
        enveloped.remove(client)
        everyEvent.remove(client)
        for topic in exchange.clients.remove(client.record) { leave(topic, client) }
    }

    /// Returns how many subscribers the topic now has, on all workers, event streams among them. nil: the client has `most`
    /// subscriptions, and this would be another.
    package func subscribe(_ client: any RealtimeClient, to topic: String, most: Int = .max) -> Int? {
        guard let subscribers = exchange.clients.subscribe(client.record, to: topic, most: most) else { return nil }
        topics[topic, default: Roster()].add(client)
        return subscribers + exchange.history.readers(of: .topic(topic))
    }

    package func unsubscribe(_ client: any RealtimeClient, from topic: String) {
        if exchange.clients.unsubscribe(client.record, from: topic) { leave(topic, client) }
    }

    private func leave(_ topic: String, _ client: any RealtimeClient) {
        topics[topic]?.remove(client)
        if topics[topic]?.isEmpty == true { topics[topic] = nil }
    }

    // MARK: RealtimeHub

    package func hears(_ publication: Publication) -> Bool {
        switch publication {
        case .event:
            // A stream of a topic may be open: which one is seen when the event is there.
            exchange.history.isWatched || exchange.clients.hasEnveloped
        case .topic(let topic):
            audiences.subscribers(of: topic).count > 0
                || exchange.history.isWatched && exchange.history.keeps(.topic(topic))
        case .broadcast: audiences.enveloped().count > 0
        }
    }

    package func emit(_ event: RealtimeEvent) {
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
        for worker in audiences.enveloped().workers where worker != self.worker {
            exchange.post(to: worker) { $0.deliver(event: frame, topic: topic) }
        }
    }

    @discardableResult
    package func publish(topic: String, data: ByteBuffer) -> Int {
        eventLoop.preconditionInEventLoop()
        let isWatched = exchange.history.isWatched
        let audience = audiences.subscribers(of: topic)
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
    package func broadcast(type: String, payload: ByteBuffer) -> Int {
        eventLoop.preconditionInEventLoop()
        let audience = audiences.enveloped()
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

    package func send(to clientID: String, type: String, payload: ByteBuffer) -> Bool {
        reach(clientID) { $0.send(type: type, payload: payload, responseTo: nil) }
    }

    package func sendRaw(to clientID: String, data: ByteBuffer, binary: Bool) -> Bool {
        reach(clientID) { $0.sendRaw(data, binary: binary) }
    }

    package func close(clientID: String, code: Int, reason: String) -> Bool {
        reach(clientID) {
            $0.close(code: code, reason: reason)
            return true
        }
    }

    private func reach(_ clientID: String, _ body: @escaping @Sendable (any RealtimeClient) -> Bool) -> Bool {
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
        var receivers = everyEvent.members
        let ofEvents = topics[StreamKey.eventsTopic]
        if let ofEvents { receivers += ofEvents.members.filter { !$0.receivesEveryEvent } }
        if let topic, topic != StreamKey.eventsTopic, let subscribers = topics[topic] {
            receivers += subscribers.members.filter { !$0.receivesEveryEvent && ofEvents?.contains($0) != true }
        }
        wire.deliver(bytes, to: receivers)
    }

    private func deliver(_ bytes: ByteBuffer, topic: String) {
        if let subscribers = topics[topic] { wire.deliver(bytes, to: subscribers.members) }
    }

    private func deliver(_ bytes: ByteBuffer) { wire.deliver(bytes, to: enveloped.members) }
}
