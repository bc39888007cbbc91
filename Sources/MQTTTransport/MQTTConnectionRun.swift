import AgentModel
import Logging
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The body of a connection's thread: connects, serves the socket with `poll(2)`, connects again.
final class MQTTConnectionRun: MosquittoEvents {
    /// A broker that takes the TCP connection and then says nothing for so long is not there.
    private static let answerTimeout = TimeAmount.seconds(10)
    /// Packets read before others have their turn.
    private static let readBurst = 128
    /// The same complaint is written to the log once in this time.
    private static let logInterval = TimeAmount.seconds(30)

    private let connection: MQTTConnection
    private let role: any MQTTConnectionRole
    private var answer: Int32?
    private var libraryLog: [String] = []
    private var lastComplaint: (text: String, at: NIODeadline)?
    /// False when the last burst ended before the socket was drained: then `poll` may not tell of the rest, which TLS
    /// holds in its own buffer.
    private var isDrained = true
    private var heldPing: HeldPing

    init(connection: MQTTConnection, role: any MQTTConnectionRole) {
        self.connection = connection
        self.role = role
        heldPing = HeldPing(keepAlive: .seconds(Int64(connection.settings.keepAlive)))
    }

    func run() {
        var delay = ReconnectDelay()
        var isInUse = false
        while connection.stopBy == nil {
            guard role.isReady else {
                if isInUse { connection.status.endUse() }
                isInUse = false
                _ = wait(-1, reading: false, writing: false, timeout: .seconds(30))
                continue
            }
            if !isInUse { connection.status.beginUse() }
            isInUse = true
            let began = NIODeadline.now()
            let failure = serveOnce()
            role.closed()
            guard let failure else { continue }
            let duration = NIODeadline.now() - began
            report(failure, after: duration)
            let wait = delay.afterConnection(lasting: duration, refused: failure.code == .refused)
            pause(until: .now() + wait)
        }
        connection.status.disconnected()
        role.finished()
        connection.finish()
    }

    /// One connection, from its beginning to its end; nil: a stop was asked for, or there is nothing to be connected for.
    private func serveOnce() -> MQTTError? {
        answer = nil
        libraryLog = []
        isDrained = true
        heldPing.released()
        do throws(MQTTError) {
            let client = try MosquittoClient(
                settings: connection.settings, cleanSession: role.cleanSession, events: self)
            guard connection.beginConnecting() else { return nil }
            let connected = Result { () throws(MQTTError) in try client.connect() }
            connection.endConnecting()
            try connected.get()
            guard try awaitAnswer(client) else { return nil }
            client.stopLogging()
            connection.status.connected()
            connection.logger.info("connected to the MQTT broker", metadata: ["broker": "\(connection.settings)"])
            lastComplaint = nil
            try exchange(client)
            return nil
        } catch {
            guard !libraryLog.isEmpty else { return error }
            let log = libraryLog.joined(separator: "; ")
            let words = TLSFailureText.of(log, peer: connection.settings.endpoint, prefix: "MQTT_")
            return MQTTError(error.code, words ?? "\(error.description) (\(log))")
        }
    }

    /// Writes CONNECT and reads CONNACK. False: a stop was asked for meanwhile.
    private func awaitAnswer(_ client: MosquittoClient) throws(MQTTError) -> Bool {
        let deadline = NIODeadline.now() + Self.answerTimeout
        while true {
            if connection.stopBy != nil { return false }
            if client.hasQueued { try client.write() }
            let left = deadline - .now()
            guard left > .zero else {
                throw MQTTError(.unreachable, "\(connection.settings.endpoint) did not answer as an MQTT broker")
            }
            // The short wait serves a TLS handshake, which may leave something to write that cannot be written yet.
            if wait(client.socket, reading: true, writing: false, timeout: min(left, .milliseconds(50))) {
                let read = Result { () throws(MQTTError) in try client.read() }
                // The library takes a refusal for an error of the read; the answer says more.
                if let answer { try accept(answer) }
                _ = try read.get()
                if answer != nil { return true }
            }
        }
    }

    private func accept(_ code: Int32) throws(MQTTError) {
        let broker = connection.settings.endpoint
        switch code {
        case 0: role.didRead()
        case 3: throw MQTTError(.unreachable, "the MQTT broker \(broker) says that it is not available")
        default: throw MQTTError(.refused, Self.refusal(code, broker))
        }
    }

    private static func refusal(_ code: Int32, _ broker: String) -> String {
        let reason =
            switch code {
            case 1: "it does not speak MQTT 3.1.1"
            case 2: "it does not accept the client id"
            case 4: "bad user name or password"
            case 5: "not authorized"
            default: "return code \(code)"
            }
        return "the MQTT broker \(broker) refused the connection: \(reason)"
    }

    private func exchange(_ client: MosquittoClient) throws(MQTTError) {
        while true {
            let now = NIODeadline.now()
            try role.advance(client, now: now)
            if role.mayWrite {
                if client.hasQueued { try client.write() }
                if !client.hasQueued { role.didWrite() }
            }
            if !role.isReady, role.isIdle, !client.hasQueued { return farewell(client) }
            var wake = role.deadline ?? .distantFuture
            if let stopBy = connection.stopBy {
                if role.isIdle, !client.hasQueued {
                    return farewell(client)
                }
                guard now < stopBy else { return }
                wake = min(wake, stopBy)
            }
            let reading = role.mayRead(client)
            if role.mayWrite {
                heldPing.released()
                try client.keepAlive()
            } else {
                try ping(client, at: now, reading: reading)
                wake = min(wake, heldPing.deadline ?? wake)
            }
            let isHungry = role.hasMore || (reading && !isDrained)
            let idle = TimeAmount.seconds(Int64(max(1, min(connection.settings.keepAlive / 4, 30))))
            let isReadable = wait(
                client.socket, reading: reading, writing: role.mayWrite && client.hasQueued,
                timeout: isHungry ? .zero : min(max(wake - now, .zero), idle))
            if reading, isReadable || !isDrained {
                if isReadable { heldPing.heard() }
                try readBurst(client)
            }
        }
    }

    /// Keeps the connection alive while what is queued must not be written.
    private func ping(_ client: MosquittoClient, at now: NIODeadline, reading: Bool) throws(MQTTError) {
        // What waits in the socket while there is no room for it is an answer too.
        if !reading, wait(client.socket, reading: true, writing: false, timeout: .zero) { heldPing.heard() }
        switch heldPing.action(at: now) {
        case .nothing: break
        case .ping: if try client.ping() { heldPing.pinged(at: now) }
        case .giveUp: throw client.unanswered
        }
    }

    private func readBurst(_ client: MosquittoClient) throws(MQTTError) {
        // What was read before an error still counts: it is delivered, though its PUBACK is lost with the connection.
        defer { role.didRead() }
        isDrained = false
        for _ in 0..<Self.readBurst where role.mayRead(client) {
            guard try client.read() else {
                isDrained = true
                return
            }
        }
    }

    /// DISCONNECT, so that the broker does not take the end for a failure.
    private func farewell(_ client: MosquittoClient) {
        client.disconnect()
        let deadline = NIODeadline.now() + .seconds(1)
        while client.socket >= 0, NIODeadline.now() < deadline {
            // The write that sends DISCONNECT closes the socket, and may say so as an error.
            guard (try? client.write()) != nil else { return }
            if client.socket >= 0 {
                _ = wait(client.socket, reading: false, writing: true, timeout: deadline - .now())
            }
        }
    }

    /// Waits for the socket, a signal or the time. True: there is something to read.
    private func wait(_ socket: Int32, reading: Bool, writing: Bool, timeout: TimeAmount) -> Bool {
        let events = (reading ? POLLIN : 0) | (writing ? POLLOUT : 0)
        var entries = [
            pollfd(fd: connection.wake.readEnd, events: Int16(POLLIN), revents: 0),
            pollfd(fd: socket, events: Int16(events), revents: 0),
        ]
        // Rounded up: a millisecond too early would be spent spinning.
        let milliseconds = Int32(clamping: (timeout.nanoseconds + 999_999) / 1_000_000)
        // A socket that is not to be read is left out while held: poll would report a hang-up again and again.
        let count: nfds_t = events == 0 ? 1 : 2
        guard poll(&entries, count, milliseconds) > 0 else { return false }
        if entries[0].revents != 0 { connection.wake.drain() }
        return entries[1].revents & Int16(POLLIN | POLLHUP | POLLERR) != 0
    }

    private func pause(until deadline: NIODeadline) {
        while connection.stopBy == nil {
            let left = deadline - .now()
            guard left > .zero else { return }
            _ = wait(-1, reading: false, writing: false, timeout: left)
        }
    }

    private func report(_ failure: MQTTError, after duration: TimeAmount) {
        var failure = failure
        if failure.code == .connectionLost, answer == 0, duration < .seconds(5) {
            // A broker drops the older of two connections of one name without a word (MQTT 3.1.1 section 3.1.4).
            failure = MQTTError(
                .connectionLost,
                "\(failure.description), soon after it was made: is there another client "
                    + "'\(connection.settings.clientID)'? A client id is for one instance; several share the messages "
                    + "with MQTT_SHARED_GROUP")
        }
        let isFatal = failure.code == .refused || failure.code == .invalidSettings
        if isFatal {
            connection.status.failed(failure.description)
        } else {
            connection.status.reconnecting(failure.description)
        }
        let now = NIODeadline.now()
        if let last = lastComplaint, last.text == failure.description, now - last.at < Self.logInterval { return }
        lastComplaint = (failure.description, now)
        connection.logger.log(
            level: isFatal ? .error : .warning, "no connection to the MQTT broker",
            metadata: ["broker": "\(connection.settings)", "reason": "\(failure.description)"])
    }

    // MARK: MosquittoEvents

    func answered(code: Int32, sessionPresent: Bool) {
        answer = code
        // At once: the packets behind the CONNACK may be told of before the read returns.
        if code == 0 { role.connected(sessionPresent: sessionPresent) }
    }

    func logged(_ line: String) {
        if libraryLog.count < 4, !libraryLog.contains(line) { libraryLog.append(line) }
    }

    func received(topic: UnsafePointer<CChar>, payload: UnsafeRawBufferPointer, qos: Int, retain: Bool) {
        role.received(topic: topic, payload: payload, qos: qos, retain: retain)
    }

    func published(messageID: Int32) {
        role.published(messageID: messageID)
    }

    func subscribed(messageID: Int32, refused: Bool) {
        role.subscribed(messageID: messageID, refused: refused)
    }

    func unsubscribed(messageID: Int32) {
        role.unsubscribed(messageID: messageID)
    }
}
