import AgentAPI
import AgentConfiguration
import AgentModel
import AgentScript
import AgentStore
import AgentWorker
import KafkaTransport
import Logging
import LuaRuntime
import MQTTTransport
import NIOCore
import NIOPosix
import Outbound
import Reloading
import ServiceLifecycle
import UnixSignals

/// The whole program: agents on workers, a server and transports around them, one life from start to drained stop.
package struct AgentHost: Service {
    private let options: HostOptions
    private let log: HostLog
    private let logger: Logger
    /// Tells whoever started the host.
    private let announce: @Sendable (HostAnnouncement) -> Void
    /// How long a stop may take, known once the scripts are loaded.
    package let stopTime = StopTime()

    package init(options: HostOptions, log: HostLog, announce: @escaping @Sendable (HostAnnouncement) -> Void) {
        self.options = options
        self.log = log
        logger = log.logger
        self.announce = announce
    }

    /// Starts, serves until the surrounding service group shuts down, drains and stops. Throws `HostFailure`.
    package func run() async throws {
        // From here on SIGHUP asks for a reload, of what starts too; without this it would end the host.
        let hangups = await UnixSignalsSequence(trapping: .sighup)
        let resolver = ConfigurationResolver(
            flags: options.flags, environment: options.environment, environmentPlaces: options.environmentPlaces,
            isHost: true)
        let statuses = options.scripts.map { _ in AgentStatus() }
        let status = HostStatus(agents: statuses)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: options.workers)
        let outbound = AsyncHTTPOutbound(group: group)
        let secrets = PlatformSecretSource(resolver, environment: options.environment, logger: logger)
        let workers = options.workers.indices(on: group).map { index, loop in
            Worker(
                loop: loop, index: index, counters: statuses.map(\.counters), limits: LuaLimits(), outbound: outbound,
                secrets: secrets, spool: status.spool, stores: status.stores, metrics: status.metrics.registry,
                logger: logger)
        }
        let floor = HostFloor(workers: workers, status: status, logger: logger)
        var hooks = floor.reloadHooks
        hooks.subscribe = { [logger, log, subscribe = hooks.subscribe] subscriptions in
            subscribe(subscriptions)
            if let config = resolver.first { log.configure(config.logLevel) }
            for change in resolver.untoldChanges() { logger.warning("\(change)") }
        }
        let reloader = Reloader(
            sources: try options.scripts.map { origin in
                _ = try origin.snapshot()
                return { @Sendable in (try? origin.snapshot()) ?? ScriptSnapshot(path: "") }
            },
            workers: workers, statuses: statuses,
            settings: { (agent) throws(ScriptFailure) in try resolver.settings(for: agent) },
            hooks: hooks, logger: logger)

        let rotation = SecretRotation(resolver: resolver, environment: options.environment, logger: logger)
        let config = try await load(reloader, resolver, rotation)
        log.configure(config.logLevel)
        stopTime.allow(grace: config.grace)
        let serviceName = config.serviceName ?? "agenthost"
        status.serve(as: serviceName)
        status.stores.use(folder: config.statePath.map { "\($0)/store" })
        status.spool.use(config.statePath.map { SpoolFolder(statePath: $0, service: serviceName) })
        resolver.hold(config)
        for ignored in resolver.ignoredSettings { logger.warning("\(ignored)") }
        for stray in StrayVariable.all(in: options.environment) where !stray.isServiceLink {
            logger.warning("\(stray)")
        }
        for line in config.idle { logger.warning("\(line)") }
        let embedding = BrokerEmbedding(
            options.embedding, config, environment: options.environment, serviceName: serviceName, logger: logger)
        do {
            let port = try await floor.open(config, embedding, serviceName: serviceName)
            // Whoever is told to stop while `on_start` runs does not wait for that: the start is given up.
            try await withGracefulShutdownHandler {
                try await floor.start(reloader)
            } onGracefulShutdown: {
                Task { await reloader.stop() }
            }
            let http = "http://\(config.host.contains(":") ? "[\(config.host)]" : config.host):\(port)"
            let registry = HostRegistry()
            let control = await openControl(registry, workers[0], status.spool)
            defer { registry.leave(pid: getpid()) }
            await floor.brokers.awaitSubscriptions()
            floor.isReady()
            let ready = try tell(http, floor.brokers.lineup, in: control == nil ? nil : registry)
            announce(.started(try await startReport(ready, reloader, floor, config)))
            await serve(reloader, floor, resolver, rotation, serviceName: serviceName, hangups: hangups) {
                _ = try? tell(http, $0, in: control == nil ? nil : registry)
            }
            try? await control?.close()
        } catch {
            guard Task.isShuttingDownGracefully else {
                _ = await floor.stop(stopTime.deadlines())
                throw error as? HostFailure ?? HostFailure(.agent, ErrorText.of(error))
            }
            logger.notice("the start was given up", metadata: ["reason": "\(ErrorText.of(error))"])
        }
        let began = ContinuousClock.now
        announce(.stopping(await floor.workUnderWay(), grace: stopTime.forHandlers))
        let (cutOff, isWhole) = await floor.stop(stopTime.deadlines())
        // Loops that such a connection is left on end with the process.
        if await outbound.shutdown(within: .seconds(1)), isWhole { try? await group.shutdownGracefully() }
        announce(.stopped(after: began.duration(to: .now), cutOff: cutOff))
    }

    /// Makes the host known to `agenthost send`. It serves all the same when that cannot be done, which is said once.
    private func openControl(_ registry: HostRegistry, _ worker: Worker, _ spool: HostSpool) async -> (any Channel)? {
        do {
            return try await ControlSocket.open(for: worker, spool, in: registry)
        } catch {
            tellUnknown(error)
            return nil
        }
    }

    private func tellUnknown(_ error: any Error) {
        logger.warning(
            "`agenthost send` does not find this host, or cannot send it events",
            metadata: ["reason": "\(HostFailure.reason(of: error))"])
    }

    /// Says where the host is reached, in the registry and in the ready file.
    ///
    /// - Parameter registry: nil when it cannot be had.
    private func tell(_ http: String, _ brokers: BrokerLineup, in registry: HostRegistry?) throws -> ReadyReport {
        let report = ReadyReport(
            http: http, kafka: brokers.kafka?.bootstrapServers, mqtt: brokers.mqtt?.endpoint)
        do { try registry?.enter(report) } catch { tellUnknown(error) }
        guard let file = options.readyFile else { return report }
        do {
            try report.write(to: file)
            return report
        } catch {
            throw HostFailure(.agent, "the ready file \(file) cannot be written: \(HostFailure.reason(of: error))")
        }
    }

    private func startReport(
        _ ready: ReadyReport, _ reloader: Reloader, _ floor: HostFloor, _ config: AgentConfig
    ) async throws -> StartReport {
        let lineup = floor.brokers.lineup
        return StartReport(
            agents: try await floor.descriptions(), ready: ready, isKafkaEmbedded: lineup.embeddedKafka != nil,
            isMQTTEmbedded: lineup.embeddedMosquitto != nil, missing: floor.brokers.missingAnew(),
            watched: options.reloads ? await reloader.filesRead : nil, grace: stopTime.forHandlers)
    }

    /// Loads the scripts. A platform named only in a script's `config` is known after the first load; its secrets then
    /// take part in a second one.
    private func load(
        _ reloader: Reloader, _ resolver: ConfigurationResolver, _ secrets: SecretRotation
    ) async throws -> AgentConfig {
        do {
            try await secrets.load(platform: resolver.configuration().realtimePlatform)
            _ = try await reloader.loadFirst()
            if resolver.secrets == nil, let platform = resolver.first?.realtimePlatform {
                try await secrets.load(platform: platform)
                _ = try await reloader.loadFirst()
            }
            guard let config = resolver.first else { throw HostFailure(.agent, "no agent was declared") }
            return config
        } catch {
            throw error as? HostFailure ?? HostFailure(.agent, ErrorText.of(error))
        }
    }

    /// Reloads what changes until the host is asked to stop.
    private func serve(
        _ reloader: Reloader, _ floor: HostFloor, _ resolver: ConfigurationResolver, _ rotation: SecretRotation,
        serviceName: String, hangups: UnixSignalsSequence, brokersStarted: @escaping @Sendable (BrokerLineup) -> Void
    ) async {
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    for await _ in hangups { await reloader.reloadAll() }
                }
                let watcher = options.reloads ? ScriptWatcher(logger: logger) : nil
                if options.reloads, watcher == nil {
                    logger.warning("scripts are not watched, as the system has no more watches: reload with SIGHUP")
                }
                if let watcher {
                    watcher.watch(await reloader.files)
                    tasks.addTask {
                        await withTaskCancellationHandler {
                            await withDiscardingTaskGroup { reloads in
                                // Not one after another: a newer save ends the load of an older one.
                                for await _ in watcher.changes() {
                                    reloads.addTask {
                                        await reloader.reloadChanged()
                                        watcher.watch(await reloader.files)
                                    }
                                }
                            }
                        } onCancel: {
                            watcher.stop()
                        }
                    }
                }
                tasks.addTask { await rotation.follow(floor.brokers, serviceName: serviceName) }
                let renewal = CertificateRenewal(
                    brokers: floor.brokers, resolver: resolver, serviceName: serviceName, logger: logger)
                tasks.addTask { await renewal.follow() }
                // A new version may be the first to need a broker.
                tasks.addTask { await floor.brokers.followNeeds(started: brokersStarted) }
                await floor.untilStopped()
                await reloader.stop()
                tasks.cancelAll()
            }
        } onGracefulShutdown: {
            floor.beginStop()
        }
    }
}

extension Int {
    /// The indices below the number, each with the next loop of the group.
    fileprivate func indices(on group: MultiThreadedEventLoopGroup) -> [(Int, any EventLoop)] {
        (0..<self).map { ($0, group.next()) }
    }
}

// A service group describes its services in the log, and the options hold the environment with its secrets.
extension AgentHost: CustomStringConvertible, CustomReflectable {
    package var description: String { "agenthost" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
