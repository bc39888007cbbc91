import AgentModel
import AgentScript
import LuaRuntime
import NIOCore

/// What WebSocket clients send, on its way to handlers. Confined to its loop.
final class ClientSessions {
    private let slots: [AgentSlot]
    let lanes: Lanes
    let invoker: Invoker
    let log: HandlerLog
    let drain: Drain
    private let stamps: Stamps

    init(slots: [AgentSlot], lanes: Lanes, invoker: Invoker, log: HandlerLog, drain: Drain, stamps: Stamps) {
        self.slots = slots
        self.lanes = lanes
        self.invoker = invoker
        self.log = log
        self.drain = drain
        self.stamps = stamps
    }

    /// False: no agent has a handler for the type.
    func websocketMessage(
        type: String, payload: ByteBuffer, messageID: String, from client: any WebSocketClient
    ) -> Bool {
        for slot in slots {
            guard slot.live?.generation.handlers.websocket[type] != nil else { continue }
            slot.counters.countMessage(at: stamps.now())
            let work = ClientWork(client, slot: slot, sessions: self) { work in
                work.run(
                    { $0.websocket[type] }, name: .websocket(type, message: messageID),
                    arguments: { (generation, stack) throws(LuaError) in
                        try stack.push(json: payload)
                        generation.requests.push(client, on: stack)
                        return 2
                    },
                    failed: { error in
                        let files = slot.live?.generation.snapshot.sources ?? []
                        let error = self.log.showsPlaces ? error : ScriptPlaces.removed(from: error, files: files)
                        var payload = ByteBuffer()
                        payload.writeStaticString("{\"error\":")
                        payload.writeJSONString(error)
                        payload.writeStaticString("}")
                        _ = client.send(type: "error", payload: payload, responseTo: messageID)
                    })
            }
            lanes.enter(work)
            return true
        }
        return false
    }

    func rawOpened(path: String, client: any WebSocketClient) {
        raw("on_open", path, client, function: { $0.onOpen }, arguments: { _, _ in 0 })
    }

    func rawMessage(path: String, client: any WebSocketClient, data: ByteBuffer, binary: Bool) {
        raw(
            "on_message", path, client, function: { $0.onMessage },
            arguments: { generation, stack in
                stack.push(bytes: data)
                stack.push(binary)
                return 2
            })
    }

    func rawClosed(path: String, client: any WebSocketClient, code: Int) {
        raw(
            "on_close", path, client, function: { $0.onClose },
            arguments: { _, stack in
                stack.push(code)
                return 1
            })
    }

    private func raw(
        _ name: StaticString, _ path: String, _ client: any WebSocketClient,
        function: @escaping (HandlerTable.RawEndpoint) -> LuaReference?,
        arguments: @escaping (Generation, LuaStack) -> Int32
    ) {
        for slot in slots {
            guard let endpoint = slot.live?.generation.handlers.raw[path] else { continue }
            guard function(endpoint) != nil else { return }
            slot.counters.countMessage(at: stamps.now())
            let work = ClientWork(client, slot: slot, sessions: self) { work in
                work.run(
                    { $0.raw[path].flatMap(function) }, name: .raw(name, path: path),
                    arguments: { generation, stack in
                        generation.requests.push(client, on: stack)
                        return 1 + arguments(generation, stack)
                    },
                    failed: { [self] reason in
                        client.close(
                            code: drain.isGraceOver ? 1001 : 1011,
                            reason: drain.isGraceOver ? reason : "the handler failed")
                    })
            }
            lanes.enter(work)
            return
        }
    }
}
