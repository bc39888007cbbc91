import AgentModel
import CMosquitto
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a client's network traffic means, told from within `MosquittoClient.read` and `.write`.
protocol MosquittoEvents: AnyObject {
    /// CONNACK. `code` as in MQTT 3.1.1 section 3.2.2.3.
    func answered(code: Int32, sessionPresent: Bool)
    /// PUBLISH. The pointers are valid during the call only.
    func received(topic: UnsafePointer<CChar>, payload: UnsafeRawBufferPointer, qos: Int, retain: Bool)
    /// A QoS 0 message was written, or the PUBACK or PUBCOMP of another one was read.
    func published(messageID: Int32)
    func subscribed(messageID: Int32, refused: Bool)
    func unsubscribed(messageID: Int32)
    /// An error line of the library's own log: it is the only place that tells why TLS failed.
    func logged(_ line: String)
}

/// The one owner of a `struct mosquitto`: one connection, from its thread, never used again after it ended.
///
/// A new one for each connection, because libmosquitto carries over what belongs to the old one (message ids, and the
/// delivery state of messages that the broker may have forgotten).
///
/// It is never told to loop by itself: `mosquitto_loop` uses `select(2)`, which fails from descriptor 1,024 on, and
/// gives up for good on name resolution, TLS and protocol errors.
final class MosquittoClient {
    private static let isLibraryReady: Bool = mosquitto_lib_init() == MOSQ_ERR_SUCCESS.rawValue

    private let handle: OpaquePointer
    private let settings: MQTTSettings
    private unowned let events: any MosquittoEvents

    init(settings: MQTTSettings, cleanSession: Bool, events: any MosquittoEvents) throws(MQTTError) {
        guard Self.isLibraryReady, let handle = mosquitto_new(settings.clientID, cleanSession, nil) else {
            throw MQTTError(.invalidSettings, "the MQTT client id '\(settings.clientID)' is not valid")
        }
        self.handle = handle
        self.settings = settings
        self.events = events
        mosquitto_user_data_set(handle, Unmanaged.passUnretained(self).toOpaque())
        // Without this the library writes a PUBACK from within the read of its message.
        mosquitto_threaded_set(handle, true)
        mosquitto_int_option(handle, MOSQ_OPT_TCP_NODELAY, 1)
        // The publisher keeps its own window.
        mosquitto_int_option(handle, MOSQ_OPT_SEND_MAXIMUM, 0)
        if let user = settings.user {
            try check(mosquitto_username_pw_set(handle, user, settings.password?.exposed), "set the user name")
        }
        if settings.wireProtocol.usesTLS { try useTLS(settings.tls ?? TLSFiles()) }
        setCallbacks()
    }

    /// The broker's certificate is checked, its name too, unless the library is told otherwise.
    private func useTLS(_ files: TLSFiles) throws(MQTTError) {
        if files.authority == nil { mosquitto_int_option(handle, MOSQ_OPT_TLS_USE_OS_CERTS, 1) }
        guard files.authority != nil || files.certificate != nil else { return }
        // Beside a certificate the library wants authorities by path, the operating system's too.
        let folder = files.authority == nil ? "/etc/ssl/certs" : nil
        let code = mosquitto_tls_set(
            handle, files.authority?.path, folder, files.certificate?.path, files.key?.path,
            // Without this an encrypted key would be asked for on the terminal.
            { _, _, _, _ in 0 })
        guard code == MOSQ_ERR_SUCCESS.rawValue else {
            throw MQTTError(.invalidSettings, "a file of MQTT_CA, MQTT_CERT or MQTT_KEY cannot be read")
        }
    }

    deinit {
        mosquitto_destroy(handle)
    }

    /// -1 once the connection is gone.
    var socket: Int32 { mosquitto_socket(handle) }

    /// True while something waits to be written.
    var hasQueued: Bool { mosquitto_want_write(handle) }

    /// Resolves the name and connects; blocks while it does. The CONNECT packet is queued, not written.
    func connect() throws(MQTTError) {
        let code = mosquitto_connect(handle, settings.host, Int32(settings.port), Int32(settings.keepAlive))
        try check(code, "connect to \(settings.endpoint)", .unreachable)
        let socket = self.socket
        // A child process must not keep the connection open.
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        // What was written and is never acknowledged by the peer's kernel; pings find everything else.
        for (level, option, value) in [
            (SOL_SOCKET, SO_KEEPALIVE, 1), (Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, 30_000),
        ] as [(Int32, Int32, Int32)] {
            withUnsafePointer(to: value) {
                _ = setsockopt(socket, level, option, $0, socklen_t(MemoryLayout<Int32>.size))
            }
        }
    }

    /// Reads a packet, if there is one. False: the socket is drained.
    func read() throws(MQTTError) -> Bool {
        errno = 0
        let code = mosquitto_loop_read(handle, 1)
        let isDrained = errno == EAGAIN
        try check(code, "read from \(settings.endpoint)", .connectionLost)
        return !isDrained
    }

    /// Writes what is queued, as far as the socket takes it.
    func write() throws(MQTTError) {
        try check(mosquitto_loop_write(handle, 1), "write to \(settings.endpoint)", .connectionLost)
    }

    /// Queues a PINGREQ when one is due, and ends a connection whose PINGREQ was not answered.
    func keepAlive() throws(MQTTError) {
        try check(mosquitto_loop_misc(handle), "reach \(settings.endpoint)", .connectionLost)
    }

    /// Writes a PINGREQ at once, before everything that is queued; nothing of that may have been written in part.
    ///
    /// - Returns: whether it was written; false: the socket takes nothing at present.
    func ping() throws(MQTTError) -> Bool {
        let result = agenthost_mosquitto_ping(handle)
        guard result >= 0 else { throw MQTTError(.connectionLost, "could not write to \(settings.endpoint)") }
        return result > 0
    }

    /// The error of a broker that did not answer a ``ping()``.
    var unanswered: MQTTError {
        MQTTError(.connectionLost, "could not reach \(settings.endpoint): the broker did not answer in time")
    }

    /// Queues a DISCONNECT; writing it closes the socket.
    func disconnect() {
        mosquitto_disconnect(handle)
    }

    /// At QoS 1: QoS 2 is lost, not delivered again, when the process dies after PUBREC in this library.
    func subscribe(to filter: String) throws(MQTTError) -> Int32 {
        var messageID: Int32 = 0
        try check(mosquitto_subscribe(handle, &messageID, filter, 1), "subscribe to \(filter)", .connectionLost)
        return messageID
    }

    func unsubscribe(from filter: String) throws(MQTTError) -> Int32 {
        var messageID: Int32 = 0
        try check(mosquitto_unsubscribe(handle, &messageID, filter), "unsubscribe from \(filter)", .connectionLost)
        return messageID
    }

    /// Queues a PUBLISH; the payload is copied.
    func publish(topic: String, payload: ByteBuffer, qos: Int, retain: Bool) throws(MQTTError) -> Int32 {
        var messageID: Int32 = 0
        let code = payload.withUnsafeReadableBytes { bytes in
            // More than Int32 holds is far beyond what MQTT allows (3.1.1, section 2.2.3), and the library refuses it.
            mosquitto_publish(
                handle, &messageID, topic, Int32(clamping: bytes.count), bytes.baseAddress, Int32(clamping: qos),
                retain)
        }
        try check(code, "publish", .connectionLost)
        return messageID
    }

    /// Formatting lines nobody reads costs more than the traffic they tell of.
    func stopLogging() {
        mosquitto_log_callback_set(handle, nil)
    }

    private func check(
        _ code: Int32, _ action: String, _ kind: MQTTError.Code = .invalidSettings
    ) throws(MQTTError) {
        guard code != MOSQ_ERR_SUCCESS.rawValue else { return }
        let systemError = errno
        let reason =
            switch mosq_err_t(rawValue: code) {
            case MOSQ_ERR_ERRNO: errorText(systemError)
            case MOSQ_ERR_EAI: String(cString: gai_strerror(systemError))
            case MOSQ_ERR_CONN_LOST: "the broker closed the connection"
            case MOSQ_ERR_KEEPALIVE: "the broker did not answer in time"
            default: String(cString: mosquitto_strerror(code)).lowercasedFirst
            }
        throw MQTTError(kind, "could not \(action): \(reason)")
    }

    private func setCallbacks() {
        mosquitto_connect_with_flags_callback_set(handle) { _, client, code, flags in
            MosquittoClient.from(client)?.events.answered(code: code, sessionPresent: flags & 1 == 1)
        }
        mosquitto_message_callback_set(handle) { _, client, message in
            guard let client = MosquittoClient.from(client), let message = message?.pointee, let topic = message.topic
            else { return }
            client.events.received(
                topic: topic,
                payload: UnsafeRawBufferPointer(start: message.payload, count: Int(message.payloadlen)),
                qos: Int(message.qos), retain: message.retain)
            // The library asks errno whether the socket is drained, though queueing the PUBACK may have set it.
            errno = 0
        }
        mosquitto_publish_callback_set(handle) { _, client, messageID in
            MosquittoClient.from(client)?.events.published(messageID: messageID)
        }
        mosquitto_subscribe_callback_set(handle) { _, client, messageID, count, granted in
            let refused = (0..<Int(count)).contains { (granted?[$0] ?? 0x80) > 2 }
            MosquittoClient.from(client)?.events.subscribed(messageID: messageID, refused: refused)
        }
        mosquitto_unsubscribe_callback_set(handle) { _, client, messageID in
            MosquittoClient.from(client)?.events.unsubscribed(messageID: messageID)
        }
        mosquitto_log_callback_set(handle) { _, client, level, line in
            guard level == MOSQ_LOG_ERR, let line else { return }
            MosquittoClient.from(client)?.events.logged(String(cString: line))
        }
    }

    private static func from(_ pointer: UnsafeMutableRawPointer?) -> MosquittoClient? {
        pointer.map { Unmanaged<MosquittoClient>.fromOpaque($0).takeUnretainedValue() }
    }
}

extension String {
    fileprivate var lowercasedFirst: String {
        (first?.lowercased() ?? "") + dropFirst().replacingSuffix(".")
    }
}

extension Substring {
    fileprivate func replacingSuffix(_ suffix: String) -> Substring {
        hasSuffix(suffix) ? dropLast(suffix.count) : self
    }
}
