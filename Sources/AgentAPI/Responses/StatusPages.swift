import AgentModel
import Realtime

/// What the status routes answer (contract section 3), at one moment.
///
/// The first agent is described at the top level; when there are several, all of them are under `agents` by name.
struct StatusPages {
    let snapshot: HostSnapshot
    let exchange: RealtimeExchange

    private var first: HostSnapshot.Agent? { snapshot.agents.first }

    private func time(_ milliseconds: Int64?) -> JSONValue {
        milliseconds.map { .string(Timestamp.text($0)) } ?? .null
    }

    private func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }

    private func strings(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }

    private func integer(_ value: Int) -> JSONValue { .integer(Int64(value)) }

    private func page(
        _ top: [(String, JSONValue)], agents: (HostSnapshot.Agent) -> [(String, JSONValue)]
    ) -> JSONValue {
        guard snapshot.agents.count > 1 else { return .object(JSONObject(top)) }
        let described = snapshot.agents.map { ($0.interface.name, JSONValue.object(JSONObject(agents($0)))) }
        return .object(JSONObject(top + [("agents", .object(JSONObject(described)))]))
    }

    // MARK: Pages

    var root: JSONValue {
        var fields: [(String, JSONValue)] = [("service", .string(snapshot.serviceName)), ("status", "running")]
        if let interface = first?.interface, interface.isRealtime {
            fields += [
                ("type", "realtime"), ("realtime_enabled", true),
                ("websocket_enabled", .bool(interface.websocketEnabled)), ("platform", text(interface.platform)),
            ]
        }
        return .object(JSONObject(fields))
    }

    var health: JSONValue {
        var top = first.map { health(of: $0, service: snapshot.serviceName) } ?? []
        if !snapshot.embeddedBrokers.isEmpty {
            let brokers = snapshot.embeddedBrokers.map { ($0, JSONValue.string("in memory")) }
            top.append(("embedded", .object(JSONObject(brokers))))
        }
        if let spool = snapshot.spool, spool.letters > 0 {
            top.append(("spooled_dead_letters", ["count": integer(spool.letters), "path": .string(spool.path)]))
        }
        if snapshot.waitingDeadLetters > 0 {
            top.append(("waiting_dead_letters", integer(snapshot.waitingDeadLetters)))
        }
        let troubles = snapshot.connections.compactMap { connection in
            connection.status == .connected
                ? nil : connection.errorMessage.map { (connection.connectionType, JSONValue.string($0)) }
        }
        if !troubles.isEmpty { top.append(("connection_errors", .object(JSONObject(troubles)))) }
        return page(top) { health(of: $0, service: $0.interface.name) }
    }

    private func health(of agent: HostSnapshot.Agent, service: String) -> [(String, JSONValue)] {
        let script = agent.script
        return [
            ("status", .string(snapshot.health.rawValue)), ("service", .string(service)),
            ("realtime_enabled", .bool(agent.interface.isRealtime)),
            ("websocket_enabled", .bool(agent.interface.isRealtime && agent.interface.websocketEnabled)),
            ("connections", integer(exchange.connectionCount)), ("message_count", integer(agent.messageCount)),
            ("error_count", integer(agent.errorCount)),
            (
                "script",
                [
                    "version": .string(script.version), "generation": integer(script.generation),
                    "loaded_at": time(script.loadedAt), "reload_error": text(script.reloadError),
                ]
            ),
        ]
    }

    var capabilities: JSONValue {
        page(first.map(capabilities) ?? [], agents: capabilities)
    }

    private func capabilities(_ agent: HostSnapshot.Agent) -> [(String, JSONValue)] {
        let interface = agent.interface
        return [
            ("capabilities", strings(interface.capabilities)),
            ("supported_task_types", strings(interface.taskTypes)), ("agent_type", .string(interface.agentType)),
            ("implementation", .string(interface.implementation)),
        ]
    }

    var realtimeStatus: JSONValue {
        let connections: [JSONValue] = snapshot.connections.map { connection in
            [
                "service_name": .string(connection.serviceName), "connection_type": .string(connection.connectionType),
                "status": .string(connection.status.rawValue), "endpoint": .string(connection.endpoint),
                "connected_at": time(connection.connectedAt), "last_activity": time(connection.lastActivity),
                "error_message": text(connection.errorMessage), "retry_count": integer(connection.retryCount),
            ]
        }
        var streams: [(String, JSONValue)] = [
            ("connections", .array(connections)), ("active_streams", strings(snapshot.activeStreams)),
        ]
        // Only where there is one: strict clients of `agent-common` know no such member.
        if !snapshot.backlogs.isEmpty { streams.append(("backlog", .array(snapshot.backlogs.map(backlog)))) }
        let top = first.map { agent in
            status(of: agent, service: snapshot.serviceName, streams: streams)
                + [("last_activity", time(snapshot.lastActivity))]
        }
        return page(top ?? []) { agent in
            status(of: agent, service: agent.interface.name, streams: [("topics", strings(agent.topics))])
        }
    }

    private func status(
        of agent: HostSnapshot.Agent, service: String, streams: [(String, JSONValue)]
    ) -> [(String, JSONValue)] {
        let interface = agent.interface
        return [
            ("agent_type", .string(interface.agentType)), ("implementation_type", .string(interface.implementation)),
            ("service_name", .string(service)), ("realtime_enabled", .bool(interface.isRealtime)),
            ("websocket_enabled", .bool(interface.isRealtime && interface.websocketEnabled)),
        ] + streams + [
            ("message_count", integer(agent.messageCount)), ("error_count", integer(agent.errorCount)),
        ]
    }

    private func backlog(_ backlog: HostSnapshot.Backlog) -> JSONValue {
        let partitions = backlog.partitions.map { partition -> JSONValue in
            [
                "topic": .string(partition.topic), "partition": integer(Int(partition.number)),
                "lag": partition.lag.map { .integer($0) } ?? .null, "unacknowledged": integer(partition.unacknowledged),
                "oldest_seconds": .number((partition.oldestAge * 10).rounded() / 10),
                "paused": .bool(partition.isPaused),
            ]
        }
        return [
            "worker": integer(backlog.worker), "partitions": .array(partitions),
            "queued_records": backlog.queuedRecords.map(integer) ?? .null,
            "queue_capacity": backlog.queueCapacity.map(integer) ?? .null,
        ]
    }

    /// The clients and the topics asked for, in the order of arrival; the totals are of all. A client whose
    /// subscriptions have no room on the page has `more_subscriptions`, how many are not shown.
    func realtimeConnections(_ asked: PageRequest) -> JSONValue {
        let shown = exchange.page(offset: asked.offset, limit: asked.limit)
        let details: [JSONValue] = shown.entries.map { entry, hiddenSubscriptions in
            var fields: [(String, JSONValue)] = [
                ("client_id", .string(entry.record.id)), ("connected_at", time(entry.record.connectedAt)),
                ("message_count", integer(entry.record.messageCount)), ("subscriptions", strings(entry.subscriptions)),
            ]
            if hiddenSubscriptions > 0 { fields.append(("more_subscriptions", integer(hiddenSubscriptions))) }
            return .object(JSONObject(fields))
        }
        let topics = JSONObject(shown.topics.map { ($0.name, integer($0.subscribers)) })
        let top: [(String, JSONValue)] = [
            ("total_connections", integer(shown.totalConnections)), ("total_topics", integer(shown.totalTopics)),
            ("total_subscriptions", integer(shown.totalSubscriptions)),
            ("total_messages", integer(shown.totalMessages)), ("topics", .object(topics)),
            ("connection_details", .array(details)),
        ]
        return page(top) { agent in
            [
                ("websocket_endpoints", strings(agent.interface.websocketEndpoints.map(\.path))),
                ("streaming_endpoints", strings(agent.interface.streamingEndpoints.map(\.path))),
            ]
        }
    }
}
