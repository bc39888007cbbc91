package import AgentModel
import AgentScript
package import AgentWorker
import HTTPServer
import Logging
import LuaRuntime
import NIOCore
import NIOPosix

/// Loads scripts without any transport and tells what they declare: `agenthost check`.
package enum ScriptCheck {
    /// What one script declares.
    package struct Report: Sendable {
        package var interface: AgentInterface
        package var subscriptions: Subscriptions
        package var lines: [String]
    }

    /// Throws `HostFailure` with `file:line: message` on the first error.
    package static func run(_ scripts: [String], environment: [String: String]) async throws -> [Report] {
        try await run(scripts, resolver: ConfigurationResolver(flags: [:], environment: environment))
    }

    static func run(_ scripts: [String], resolver: ConfigurationResolver) async throws -> [Report] {
        let group = MultiThreadedEventLoopGroup.singleton
        let logger = Logger(label: "check")
        var reports: [Report] = []
        for (index, path) in scripts.enumerated() {
            let worker = Worker(
                loop: group.next(), index: 0, counters: scripts.map { _ in AgentCounters() }, limits: LuaLimits(),
                outbound: AsyncHTTPOutbound(group: group), logger: logger)
            do {
                let interface = try await worker.load(
                    ScriptSnapshot(path: path), agent: index, number: 1,
                    settings: { (agent) throws(ScriptFailure) in try resolver.settings(for: agent) }
                ).get()
                let (subscriptions, lines) = try await worker.loop.submit { worker.describeCandidate(agent: index) }
                    .get()
                reports.append(Report(interface: interface, subscriptions: subscriptions, lines: lines))
                try await worker.loop.submit { worker.discardCandidate(agent: index) }.get()
            } catch {
                throw HostFailure(.agent, ErrorText.of(error))
            }
        }
        do {
            try RouteTable.validate(reports.map(\.interface))
        } catch {
            throw HostFailure(.agent, ErrorText.of(error))
        }
        return reports
    }
}
