import AgentConfiguration
import AgentHosting
import AgentModel
import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Hosts the agents, and reloads them live when their files change.")

    @Argument(help: "Lua scripts; one script is one agent.")
    var scripts: [String] = []

    @Option(help: "gateway, ingest or processor: a stream service without a script, or with one that overrides a part.")
    var role: Role?

    @Option(help: "An OAM application (YAML) whose component's environment holds, below that of the process.")
    var oam: String?

    @Option(help: "The component of the OAM application; needed when it has several.")
    var component: String?

    @OptionGroup
    var environmentOptions: EnvironmentOptions

    @Option(help: "The address to listen on (HOST, 127.0.0.1).")
    var host: String?

    @Option(parsing: .unconditional, help: "The port to listen on, 0 for a free one (PORT, 8080).")
    var port: String?

    @Option(parsing: .unconditional, help: "Event loops, each a whole worker: a number, or auto for one a core.")
    var workers = "1"

    @Flag(inversion: .prefixedNo, help: "Whether the scripts are loaded again when their files change.")
    var reload = true

    @Flag(
        inversion: .prefixedNo,
        help: """
            Development brokers, in memory, for what is not configured; unless said, where an agent needs one and \
            nothing speaks of a real one.
            """)
    var embedded: Bool?

    @Option(help: "trace, debug, info, notice, warning, error or critical (LOG_LEVEL, info).")
    var logLevel: String?

    @Option(help: "text or json.")
    var logFormat = LogFormat.text

    @Flag(help: "Logs a line for each HTTP request (ACCESS_LOG).")
    var accessLog = false

    @Option(
        parsing: .unconditional,
        help: "Seconds that a stop may take; handlers in flight have four fifths of it (GRACE, 10).")
    var grace: String?

    @Option(help: "Written, as JSON, when everything accepts traffic.")
    var readyFile: String?

    func validate() throws {
        // A file of the environment may name the role, as the environment itself.
        guard
            !scripts.isEmpty || role != nil || oam != nil || !environmentOptions.files.isEmpty
                || Self.environmentNamesRole
        else { throw ValidationError(Self.nothingToRun) }
        if role != nil, scripts.count > 1 {
            throw ValidationError("a role takes one script, which overrides a part of it")
        }
        if component != nil, oam == nil { throw ValidationError("--component belongs to --oam") }
        guard workerCount != nil else {
            throw ValidationError("--workers \(workers): a number from 1 to 256, or auto, expected")
        }
        if Set(scripts).count != scripts.count { throw ValidationError("a script is named twice") }
        try ReadyFile.check(readyFile)
    }

    private static let nothingToRun = "name at least one Lua script, or a --role"

    private var workerCount: Int? {
        if workers == "auto" { return ProcessInfo.processInfo.activeProcessorCount }
        return Int(workers).flatMap { (1...256).contains($0) ? $0 : nil }
    }

    func run() async throws {
        var flags: [String: String] = [:]
        if let host { flags["host"] = host }
        if let port { flags["port"] = port }
        if let logLevel { flags["log_level"] = logLevel }
        if accessLog { flags["access_log"] = "true" }
        if let grace { flags["grace"] = grace }
        let voice = HostVoice(format: logFormat)
        let given = environment(voice)
        let environment = given.values
        let config: AgentConfig
        do throws(ConfigurationError) {
            config = try AgentConfig(.init(flags: flags, environment: environment))
        } catch {
            voice.fail(error.description, code: error.isUsage ? 2 : 1)
        }
        voice.log.configure(config.logLevel)
        let logger = voice.logger
        // From here on SIGUSR1 changes the level; without this it would end the host.
        let toggles = await UnixSignalsSequence(trapping: .sigusr1)
        let levels = Task { [log = voice.log] in
            for await _ in toggles { log.toggleDebugging() }
        }
        defer { levels.cancel() }
        var options = HostOptions(
            scripts: origins(configured: config.realtimeRole, voice), flags: flags, environment: environment,
            workers: workerCount ?? 1,
            reloads: reload,
            embedding: embedded.map { $0 ? .always : .never } ?? .asNeeded, readyFile: readyFile)
        options.environmentPlaces = given.places
        let host = AgentHost(options: options, log: voice.log) { [voice] in voice.tell($0) }
        let group = ServiceGroup(
            services: [host], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        let watch = Task { [readyFile, voice] in
            await StopSignals.watch(host.stopTime, voice) {
                voice.log.flush()
                if let readyFile { unlink(readyFile) }
            }
        }
        defer { watch.cancel() }
        do {
            try await group.run()
        } catch let failure as HostFailure {
            voice.fail(failure.description, code: failure.cause.rawValue)
        } catch {
            voice.fail(ErrorText.of(error), code: 1)
        }
        voice.log.flush()
        if let readyFile { try? FileManager.default.removeItem(atPath: readyFile) }
    }

    /// That of the process, above its files, above what the OAM application's component would get.
    private func environment(_ voice: HostVoice) -> GivenEnvironment {
        let given: GivenEnvironment
        do throws(EnvironmentFile.Failure) {
            given = try environmentOptions.read()
        } catch {
            voice.fail(error.description, code: 1)
        }
        for notice in given.notices { voice.logger.warning("\(notice)") }
        guard let oam else { return given }
        do throws(OAMError) {
            return given.above(try OAMApplication(contentsOfFile: oam).bindings(component: component).environment)
        } catch {
            voice.fail(error.description, code: 1)
        }
    }

    /// Whether the environment says which role is meant; a wrong one says more, which `run` tells.
    private static var environmentNamesRole: Bool {
        do throws(ConfigurationError) {
            return try AgentConfig(.init(environment: ProcessInfo.processInfo.environment)).realtimeRole != nil
        } catch {
            return true
        }
    }

    /// Without a script and without `--role`, the configured role is meant: `REALTIME_ROLE`.
    private func origins(configured: String?, _ voice: HostVoice) -> [ScriptOrigin] {
        if let role { return [.role(role, overrides: scripts.first)] }
        guard scripts.isEmpty else { return scripts.map { .file($0) } }
        guard let name = configured else {
            if oam == nil { voice.fail(Self.nothingToRun, code: 2) }
            voice.fail("the component has no role that runs without a script; name the script beside --oam", code: 1)
        }
        guard let role = Role(rawValue: name.lowercased()) else {
            let known = Role.allCases.map(\.rawValue).joined(separator: ", ")
            voice.fail("REALTIME_ROLE=\(name): no role that runs without a script (\(known)); name a script", code: 1)
        }
        return [.role(role, overrides: nil)]
    }
}

extension Role: ExpressibleByArgument {}
extension LogFormat: ExpressibleByArgument {}
