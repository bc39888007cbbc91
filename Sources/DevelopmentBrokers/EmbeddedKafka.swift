internal import CRdkafka
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// librdkafka's mock cluster inside this process: a Kafka endpoint on loopback that foreign clients such as `kcat` can
/// use.
///
/// For development and tests. Everything is in memory: 4 partitions a topic, topics made as they are named, the oldest
/// records dropped beyond 5 MiB a partition. The first join of a group takes 3 s, which librdkafka 2.0.2 has no way to
/// shorten; the ports are chosen by the system.
package final class EmbeddedKafka: Sendable {
    /// `127.0.0.1:port`, several separated by commas.
    package let bootstrapServers: String
    private let cluster: Mutex<Cluster?>

    /// The library's objects, reached only under the lock.
    private struct Cluster: @unchecked Sendable {
        let client: OpaquePointer
        let cluster: OpaquePointer
    }

    /// Starts the cluster; it listens when this returns.
    ///
    /// - Throws: `DevelopmentBrokerError` when librdkafka has no memory or no port for it.
    package init(brokers: Int = 1) throws(DevelopmentBrokerError) {
        let configuration = rd_kafka_conf_new()
        // A host that runs has its own word for a connection refused or closed.
        rd_kafka_conf_set_log_cb(configuration, nil)
        var reason = [CChar](repeating: 0, count: 512)
        guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, &reason, reason.count) else {
            rd_kafka_conf_destroy(configuration)
            let text = reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw DevelopmentBrokerError("the embedded Kafka could not start: \(String(decoding: text, as: UTF8.self))")
        }
        guard let cluster = rd_kafka_mock_cluster_new(client, CInt(brokers)) else {
            rd_kafka_destroy(client)
            throw DevelopmentBrokerError("the embedded Kafka could not listen on loopback")
        }
        bootstrapServers = String(cString: rd_kafka_mock_cluster_bootstraps(cluster))
        self.cluster = Mutex(Cluster(client: client, cluster: cluster))
        prepareListeners()
    }

    deinit {
        stop()
    }

    /// Ends the cluster; what it held is gone. Blocks for as long as its thread takes, some milliseconds.
    package func stop() {
        guard let cluster = cluster.withLock({ $0.take() }) else { return }
        rd_kafka_mock_cluster_destroy(cluster.cluster)
        rd_kafka_destroy(cluster.client)
    }

    /// The ports that the brokers listen on.
    package var ports: [Int] {
        bootstrapServers.split(separator: ",").compactMap { $0.split(separator: ":").last.flatMap { Int($0) } }
    }

    /// The mock leaves Nagle's algorithm on, and its answers then stall for up to 40 ms. On Linux an accepted
    /// connection inherits TCP_NODELAY from the socket that listens, and that one is found among our own by its port.
    /// It also leaves the socket open in child processes, which would keep the port when a broker is taken down.
    private func prepareListeners() {
        let ports = Set(self.ports)
        guard let directory = opendir("/proc/self/fd") else { return }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let descriptor = CInt(name) else { continue }
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isNamed = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) == 0 }
            }
            guard isNamed, address.sin_family == sa_family_t(AF_INET),
                ports.contains(Int(UInt16(bigEndian: address.sin_port)))
            else { continue }
            var on: CInt = 1
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<CInt>.size))
        }
    }
}

// MARK: - Topics and faults

extension EmbeddedKafka {
    /// A request of the Kafka protocol that can be made to fail, by its API key.
    package enum Request: Int16, Sendable {
        case produce = 0
        case fetch = 1
        case metadata = 3
        case offsetCommit = 8
        case joinGroup = 11
        case heartbeat = 12
    }

    /// Makes a topic; the brokers otherwise make it with 4 partitions when it is first named.
    package func createTopic(_ name: String, partitions: Int) {
        cluster.withLock { cluster in
            guard let cluster else { return }
            _ = rd_kafka_mock_topic_create(cluster.cluster, name, CInt(partitions), 1)
        }
    }

    /// The next requests of a kind are answered with these Kafka error codes, one each (as `rd_kafka_resp_err_t`).
    package func fail(_ request: Request, with codes: [Int32]) {
        cluster.withLock { cluster in
            guard let cluster else { return }
            let errors = codes.map { rd_kafka_resp_err_t(rawValue: $0) }
            rd_kafka_mock_push_request_errors_array(cluster.cluster, request.rawValue, errors.count, errors)
        }
    }

    /// Takes a broker (the first is 1) away, with its connections, or brings it back with what it held.
    package func setBroker(_ broker: Int32 = 1, isUp: Bool) {
        cluster.withLock { cluster in
            guard let cluster else { return }
            if isUp {
                _ = rd_kafka_mock_broker_set_up(cluster.cluster, broker)
            } else {
                _ = rd_kafka_mock_broker_set_down(cluster.cluster, broker)
                // The mock has already bound the socket that will listen when the broker comes back.
                prepareListeners()
            }
        }
    }

    /// Delays every answer of a broker by so many milliseconds.
    package func setRoundTrip(_ milliseconds: Int, broker: Int32 = 1) {
        cluster.withLock { cluster in
            guard let cluster else { return }
            _ = rd_kafka_mock_broker_set_rtt(cluster.cluster, broker, CInt(milliseconds))
        }
    }
}
