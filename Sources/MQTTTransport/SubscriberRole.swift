import AgentModel
import Logging
import NIOCore

/// The subscriber's side of its connection: read, let the handlers of what was read settle, then write.
///
/// A process that dies between the read and the write gets every message again, because the PUBACK is written by
/// nothing but `mosquitto_loop_write` (measured with libmosquitto 2.0.11).
final class SubscriberRole: MQTTConnectionRole {
    private let connection: MQTTConnection
    private let orders: SubscriberOrders
    private let budget: IntakeBudget
    private let route: @Sendable (String) -> WorkerSeat
    private var plan: SubscriptionPlan
    private var gate: SettlementGate
    private var session: MQTTSessionState?
    /// One for each loop that messages of the present burst go to.
    private var batches: [MQTTBatch] = []
    /// Those that have got messages of this connection, by their loops.
    private var receivers: [ObjectIdentifier: WorkerSeat] = [:]
    private var sources = MQTTSources()
    /// Of the orders, when they were last looked at.
    private var knownOrders = -1
    private var strays: Set<String> = []
    private var straysToUnsubscribe: [String] = []

    init(connection: MQTTConnection, orders: SubscriberOrders, route: @escaping @Sendable (String) -> WorkerSeat) {
        self.connection = connection
        self.orders = orders
        self.route = route
        plan = SubscriptionPlan(sharedGroup: connection.settings.sharedGroup)
        budget = IntakeBudget(wake: connection.wake)
        gate = SettlementGate(holdLimit: .seconds(Int64(connection.settings.holdLimit)))
    }

    var cleanSession: Bool { !connection.settings.keepsSession }
    /// A kept session delivers from the first moment: before the filters are known, every message would be a stray. And
    /// without a filter there is nothing to connect for.
    var isReady: Bool { !orders.filters.isEmpty }
    var mayWrite: Bool { gate.mayWrite }
    var hasMore: Bool { false }
    var deadline: NIODeadline? { gate.deadline }
    var isIdle: Bool { gate.mayWrite && (isReady || plan.isSettled) }

    func connected(sessionPresent: Bool) {
        session = MQTTSessionState(wake: connection.wake)
        gate = SettlementGate(holdLimit: gate.holdLimit)
        takeOrders()
        plan.connected(sessionPresent: sessionPresent)
    }

    func advance(_ client: MosquittoClient, now: NIODeadline) throws(MQTTError) {
        if let session { gate.didSettle(total: session.settledTotal) }
        if let deadline = gate.deadline, now >= deadline {
            throw MQTTError(
                .heldTooLong,
                "messages were not settled within \(connection.settings.holdLimit) s; "
                    + "the connection was dropped so that the broker delivers them again")
        }
        guard connection.stopBy == nil else { return }
        for topic in straysToUnsubscribe { _ = try client.unsubscribe(from: topic) }
        straysToUnsubscribe = []
        if knownOrders != orders.version { takeOrders() }
        if plan.isChanged { try follow(client) }
    }

    private func takeOrders() {
        knownOrders = orders.version
        plan.want(orders.filters)
        sources = MQTTSources()
    }

    private func follow(_ client: MosquittoClient) throws(MQTTError) {
        plan.looked()
        for step in plan.steps {
            switch step {
            case .subscribe(let filter): plan.asked(step, messageID: try client.subscribe(to: filter))
            case .unsubscribe(let filter): plan.asked(step, messageID: try client.unsubscribe(from: filter))
            }
        }
        orders.report(subscribed: plan.isSettled)
    }

    func mayRead(_ client: MosquittoClient) -> Bool {
        !orders.isPaused && gate.mayRead(queued: client.hasQueued) && budget.mayRead()
    }

    func didWrite() {
        gate.didWrite()
    }

    func received(topic: UnsafePointer<CChar>, payload: UnsafeRawBufferPointer, qos: Int, retain: Bool) {
        guard let session else { return }
        guard let source = sources.known(topic) ?? source(named: String(cString: topic)) else { return }
        let batch = batch(for: source.seat, session)
        batch.append(
            MQTTMessage(
                of: source.origin, payload: payload, qos: qos, retain: retain, budget: budget, batch: batch),
            for: source.seat.receiver)
        if qos > 0 { gate.didRead(at: .now()) }
    }

    /// nil: no agent asked for the topic.
    private func source(named topic: String) -> MQTTSource? {
        guard plan.wants(topic) else {
            // One that a joined filter brought is let go, as a stray is.
            if !plan.expects(topic) { stray(topic) }
            return nil
        }
        let source = MQTTSource(origin: MessageOrigin(.mqtt, topic: topic), seat: route(topic))
        sources.add(source)
        return source
    }

    func didRead() {
        guard !batches.isEmpty else { return }
        connection.status.active(at: Timestamp.now())
        for batch in batches { batch.deliver() }
        batches.removeAll(keepingCapacity: true)
    }

    func published(messageID: Int32) {}

    func subscribed(messageID: Int32, refused: Bool) {
        guard let filter = plan.answered(messageID: messageID, refusedByBroker: refused) else { return }
        connection.status.failed("the broker refused the subscription to \(filter)")
        connection.logger.error("the MQTT broker refused a subscription", metadata: ["filter": "\(filter)"])
    }

    func unsubscribed(messageID: Int32) {
        plan.unsubscribed(messageID: messageID)
    }

    func closed() {
        session?.end()
        session = nil
        for route in receivers.values { route.eventLoop.execute { route.receiver.value.revoked() } }
        receivers = [:]
        // Read, but not yet handed on: the broker delivers them again.
        batches = []
        gate = SettlementGate(holdLimit: gate.holdLimit)
        orders.report(subscribed: false)
        orders.connectionEnded()
    }

    func finished() { orders.connectionEnded() }

    private func batch(for route: WorkerSeat, _ session: MQTTSessionState) -> MQTTBatch {
        if let batch = batches.first(where: { $0.eventLoop === route.eventLoop }) { return batch }
        let batch = MQTTBatch(eventLoop: route.eventLoop, session: session)
        batches.append(batch)
        receivers[ObjectIdentifier(route.eventLoop)] = route
        return batch
    }

    /// A message that no agent asked for: from a subscription that an earlier process left in the session, or that was
    /// given up a moment ago. It is acknowledged and dropped; a filter without wildcards can be unsubscribed as well.
    private func stray(_ topic: String) {
        guard strays.count < 1_000, strays.insert(topic).inserted else { return }
        straysToUnsubscribe.append(topic)
        connection.logger.notice(
            "dropped MQTT messages of a topic that no agent subscribes to",
            metadata: ["topic": "\(topic)", "client_id": "\(connection.settings.clientID)"])
    }
}
