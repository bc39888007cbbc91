import AgentAPI
package import AgentConfiguration
package import AgentModel
import AgentScript
import AgentWorker
import Logging
import LuaRuntime
import NIOCore
import NIOPosix
import Outbound

/// Loads scripts without any transport and tells what they declare: `agenthost check`.
package enum ScriptCheck {
    /// Throws `HostFailure` with `file:line: message` on the first error, `ConfigurationError` for certificates that cannot
    /// serve.
    package static func run(_ scripts: [String], environment: GivenEnvironment) async throws -> [AgentDescription] {
        let resolver = ConfigurationResolver(
            flags: [:], environment: environment.values, environmentPlaces: environment.places)
        let descriptions = try await run(scripts, resolver: resolver)
        _ = try resolver.first?.tls()
        return descriptions
    }

    static func run(_ scripts: [String], resolver: ConfigurationResolver) async throws -> [AgentDescription] {
        let group = MultiThreadedEventLoopGroup.singleton
        let logger = HostLog(format: .text).logger
        var interfaces: [AgentInterface] = []
        var descriptions: [AgentDescription] = []
        for (index, path) in scripts.enumerated() {
            let worker = Worker(
                loop: group.next(), index: 0, counters: scripts.map { _ in AgentCounters() }, limits: LuaLimits(),
                outbound: AsyncHTTPOutbound(group: group), logger: logger)
            do {
                interfaces.append(
                    try await worker.load(
                        ScriptSnapshot(path: path), agent: index, number: 1,
                        settings: { (agent) throws(ScriptFailure) in try resolver.settings(for: agent) }
                    ).get())
                descriptions += try await worker.loop.submit {
                    defer { worker.discardCandidate(agent: index) }
                    return worker.descriptions()
                }.get()
            } catch {
                throw HostFailure(.agent, ErrorText.of(error))
            }
        }
        do {
            try RouteTable.validate(interfaces)
        } catch {
            throw HostFailure(.agent, ErrorText.of(error))
        }
        return descriptions
    }
}
