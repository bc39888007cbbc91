package import AgentModel
import AgentScript
import LuaRuntime
package import NIOCore

/// WebSocket clients.
extension Worker {
    package func websocketMessage(
        type: String, payload: ByteBuffer, messageID: String, from client: any WebSocketClient
    ) -> Bool {
        loop.assertInEventLoop()
        for slot in slots {
            guard slot.live?.generation.handlers.websocket[type] != nil else { continue }
            slot.counters.countMessage(at: clock())
            let work = ClientWork(client, slot: slot, worker: self) { work in
                work.run(
                    { $0.websocket[type] }, name: .websocket(type, message: messageID),
                    arguments: { (generation, stack) throws(LuaError) in
                        try stack.push(json: payload)
                        generation.requests.push(client, on: stack)
                        return 2
                    },
                    failed: { error in
                        let files = slot.live?.generation.snapshot.sources ?? []
                        let error = self.showsPlaces ? error : ScriptPlaces.removed(from: error, files: files)
                        var payload = ByteBuffer()
                        payload.writeStaticString("{\"error\":")
                        payload.writeJSONString(error)
                        payload.writeStaticString("}")
                        _ = client.send(type: "error", payload: payload, responseTo: messageID)
                    })
            }
            enter(work)
            return true
        }
        return false
    }

    package func rawOpened(path: String, client: any WebSocketClient) {
        raw("on_open", path, client, function: { $0.onOpen }, arguments: { _, _ in 0 })
    }

    package func rawMessage(path: String, client: any WebSocketClient, data: ByteBuffer, binary: Bool) {
        raw(
            "on_message", path, client, function: { $0.onMessage },
            arguments: { generation, stack in
                stack.push(bytes: data)
                stack.push(binary)
                return 2
            })
    }

    package func rawClosed(path: String, client: any WebSocketClient, code: Int) {
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
        loop.assertInEventLoop()
        for slot in slots {
            guard let endpoint = slot.live?.generation.handlers.raw[path] else { continue }
            guard function(endpoint) != nil else { return }
            slot.counters.countMessage(at: clock())
            let work = ClientWork(client, slot: slot, worker: self) { work in
                work.run(
                    { $0.raw[path].flatMap(function) }, name: .raw(name, path: path),
                    arguments: { generation, stack in
                        generation.requests.push(client, on: stack)
                        return 1 + arguments(generation, stack)
                    },
                    failed: { [self] reason in
                        client.close(
                            code: isGraceOver ? 1001 : 1011, reason: isGraceOver ? reason : "the handler failed")
                    })
            }
            enter(work)
            return
        }
    }
}
