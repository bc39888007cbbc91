import AgentModel
import Dispatch
import Foundation
package import Logging
import NIOCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A private `mosquitto` on a loopback port, without persistence, for a host that has no MQTT broker configured.
///
/// It asks for no password, so that every tool can be tried on it: whoever has an account on the machine may use it.
///
/// It is started again, on the same port, when it dies, and ends with this process, however that ends.
package final class EmbeddedMosquitto: Sendable {
    private struct State {
        var child: ChildProcess
        var isStopping = false
        var isOver = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// On 127.0.0.1.
    package let port: Int
    private let program: String
    private let logger: Logger
    private let state: Mutex<State>
    private let stopSignal = DispatchSemaphore(value: 0)

    /// True when a `mosquitto` program is to be found, on PATH or in the directories for system programs.
    package static var isInstalled: Bool { installedProgram != nil }

    /// Starts the broker and waits until it accepts connections, which takes some 10 ms; blocks while it does.
    ///
    /// - Parameter port: nil takes a free one.
    /// - Throws: `DevelopmentBrokerError` when it is not installed, or does not accept within 5 s, with the last
    ///   line of its log.
    package init(port: Int? = nil, logger: Logger) throws(DevelopmentBrokerError) {
        guard let program = Self.installedProgram else {
            throw DevelopmentBrokerError("mosquitto is not installed")
        }
        let first = try Self.startFirst(program, port)
        self.program = program
        self.logger = logger
        self.port = first.port
        state = Mutex(State(child: first.child))
        // It blocks for as long as the broker runs.
        Thread.detachNewThread { [self] in watch(first.child) }
    }

    /// The process that runs now; another one after a restart.
    package var child: ChildProcess { state.withLock { $0.child } }

    /// Ends the broker; its messages go with it.
    package func stop() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                state.isStopping = true
                state.child.kill()
                if state.isOver { return true }
                state.waiters.append(continuation)
                return false
            }
            stopSignal.signal()
            if isOver { continuation.resume() }
        }
    }

    /// The watching thread: starts the broker again each time that it ends, until it is to stop.
    private func watch(_ first: ChildProcess) {
        var child = first
        while true {
            _ = child.hasEnded(waiting: true)
            var delay = TimeAmount.milliseconds(100)
            while true {
                if state.withLock({ $0.isStopping }) { return finish() }
                logger.warning(
                    "the private MQTT broker ended; starting it again", metadata: ["port": .stringConvertible(port)])
                do {
                    let next = try Self.start(program, port)
                    let isStopping = state.withLock { state in
                        state.child = next
                        return state.isStopping
                    }
                    if isStopping { next.kill() }
                    child = next
                    break
                } catch {
                    logger.error("the private MQTT broker could not be started", metadata: ["reason": "\(error)"])
                }
                _ = stopSignal.wait(timeout: .now() + .nanoseconds(Int(delay.nanoseconds)))
                delay = min(delay * 2, .seconds(5))
            }
        }
    }

    private func finish() {
        let waiters = state.withLock { state in
            state.isOver = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

extension EmbeddedMosquitto {
    private static var installedProgram: String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        let directories = path.split(separator: ":").map(String.init)
        return (directories + ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"])
            .map { "\($0)/mosquitto" }
            .first { access($0, X_OK) == 0 }
    }

    private static func startFirst(
        _ program: String, _ port: Int?
    ) throws(DevelopmentBrokerError) -> (child: ChildProcess, port: Int) {
        if let port { return (try start(program, port), port) }
        // Somebody else may take a free port between looking for it and using it.
        var attempts = 5
        while true {
            attempts -= 1
            let port = try freePort()
            do {
                return (try start(program, port), port)
            } catch {
                if attempts == 0 { throw error }
            }
        }
    }

    /// Starts the program and waits until it accepts. Its files are gone by then: a killed host leaves nothing behind.
    private static func start(_ program: String, _ port: Int) throws(DevelopmentBrokerError) -> ChildProcess {
        if accepts(port) { throw DevelopmentBrokerError("port \(port) is already in use") }
        let folder = try makeFolder()
        let configuration = "\(folder)/mosquitto.conf"
        let log = "\(folder)/mosquitto.log"
        defer {
            unlink(configuration)
            unlink(log)
            rmdir(folder)
        }
        try write(Self.configuration(port: port), to: configuration)
        let child = try ChildProcess([program, "-c", configuration], errorFile: log)
        let deadline = NIODeadline.now() + .seconds(5)
        while NIODeadline.now() < deadline {
            if child.hasEnded(waiting: false) {
                throw DevelopmentBrokerError(
                    "mosquitto on port \(port) ended at once: \(lastLine(of: log) ?? "no reason given")")
            }
            if accepts(port) { return child }
            _ = poll(nil, 0, 2)
        }
        child.kill()
        _ = child.hasEnded(waiting: true)
        throw DevelopmentBrokerError("mosquitto did not accept connections on port \(port) within 5 s")
    }

    /// The broker's defaults would drop messages beyond 1,000 without a word, and allow 20 unacknowledged ones.
    private static func configuration(port: Int) -> String {
        """
        listener \(port) 127.0.0.1
        allow_anonymous true
        persistence false
        set_tcp_nodelay true
        max_inflight_messages 1000
        max_queued_messages 100000
        log_dest stderr
        log_type error
        log_type warning
        connection_messages false

        """
    }

    private static func makeFolder() throws(DevelopmentBrokerError) -> String {
        let root = TemporaryFolder.path
        guard let template = strdup("\(root)/agenthost-mqtt-XXXXXX") else {
            throw DevelopmentBrokerError("out of memory")
        }
        defer { free(template) }
        guard mkdtemp(template) != nil else {
            throw DevelopmentBrokerError("could not make a folder in \(root): \(ErrorText.system(errno))")
        }
        return String(cString: template)
    }

    private static func write(_ text: String, to path: String) throws(DevelopmentBrokerError) {
        guard let file = fopen(path, "we") else {
            throw DevelopmentBrokerError("could not write \(path): \(ErrorText.system(errno))")
        }
        let isWritten = fputs(text, file) >= 0
        guard fclose(file) == 0, isWritten else {
            throw DevelopmentBrokerError("could not write \(path): \(ErrorText.system(errno))")
        }
    }

    private static func lastLine(of path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").last.map(String.init)
    }

    private static func freePort() throws(DevelopmentBrokerError) -> Int {
        let port = withLoopbackSocket(port: 0) { descriptor, address, length -> Int? in
            var bound = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            guard bind(descriptor, address, length) == 0 else { return nil }
            return withUnsafeMutablePointer(to: &bound) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
            } == 0 ? Int(UInt16(bigEndian: bound.sin_port)) : nil
        }
        guard let port, let port else { throw DevelopmentBrokerError("no free port: \(ErrorText.system(errno))") }
        return port
    }

    private static func accepts(_ port: Int) -> Bool {
        withLoopbackSocket(port: port) { descriptor, address, length in connect(descriptor, address, length) == 0 }
            ?? false
    }

    private static func withLoopbackSocket<Result>(
        port: Int, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
