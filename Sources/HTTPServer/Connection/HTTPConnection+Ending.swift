import AgentModel
import Logging
import NIOCore

/// How a connection ends, and what makes it end.
extension HTTPConnection {
    /// Ends the own side once everything is written, and the connection when the peer has ended its side; at once when
    /// there is nothing more that the peer could send.
    func endOutput(lingers: Bool = true) {
        phase = .lingering
        // For a response that its client takes slowly.
        expect(within: server.settings.idleTimeout)
        flush()
        borrowOutput()
        guard let context, let socket else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        socket.send(output, written)
        output = ByteBuffer()
        written.futureResult.assumeIsolated().whenComplete { [self] _ in
            expect(within: server.settings.closeTimeout)
            context.close(mode: isInputClosed || !lingers ? .all : .output, promise: nil)
        }
    }

    /// Closes at once.
    func abort(_ reason: String?) {
        if let reason { server.logger.debug("\(reason)") }
        if case .eventStream(let stream) = phase { stream.close() }
        context?.close(promise: nil)
    }

    /// The server stops: a response under way is still sent, everything else ends.
    func stop() {
        switch phase {
        case .answering, .sending: terms.keepsAlive = false
        case .webSocket(let client): client.close(code: 1001, reason: TaskFailure.stopping.description)
        case .eventStream(let stream):
            stream.close()
            endOutput()
        case .lingering: break
        case .head: refuseHead(.stopping)
        case .body: refuse(.stopping)
        case .idle, .closed: abort(nil)
        }
    }

    /// Closes the connection if nothing else happens within the time.
    func closes(within time: TimeAmount) { expect(within: time) }

    func expect(within time: TimeAmount) {
        // The clock is of the last sweep, so the time may be nearly a sweep longer, and is never shorter.
        deadline = server.clock + time + server.sweepInterval
    }

    func expectNothing() { deadline = nil }

    /// Called at every sweep.
    func tick(_ now: NIODeadline) {
        switch phase {
        case .eventStream(let stream): return stream.tick(now)
        case .webSocket(let client): client.tick(now)
        default: break
        }
        guard let deadline, now >= deadline else { return }
        self.deadline = nil
        switch phase {
        case .head: refuseHead(.timeout)
        case .body: refuse(.timeout)
        case .answering: break
        default: abort(nil)
        }
    }
}
