import AgentModel
import AgentScript
import AgentWorker
import Logging
import LuaRuntime
import NIOCore
import NIOPosix
import Reloading
import Synchronization
import TestSupport
import Testing

/// On real loops, with scripts that are really loaded again.
@Suite("The reloader") struct ReloaderTests {
    private final class Host: Sendable {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let workers: [Worker]
        let status = AgentStatus()
        let reloader: Reloader

        init(path: String) {
            let status = status
            let outbound = TestOutbound()
            let group = group
            workers = (0..<2).map { index in
                Worker(
                    loop: group.next(), index: index, counters: [status.counters], limits: LuaLimits(),
                    outbound: outbound, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            }
            let swapped = Box()
            reloader = Reloader(
                sources: [{ ScriptSnapshot(path: path) }], workers: workers, statuses: [status],
                settings: { request in AgentSettings(serviceName: request.name) },
                hooks: Reloader.Hooks(
                    validate: { _ in }, swapped: { _, _ in swapped.append("") }, subscribe: { _ in }),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            self.swapped = swapped
        }

        let swapped: Box

        func start() async throws {
            _ = try await reloader.loadFirst()
            try await reloader.activateFirst()
            for worker in workers { try await worker.loop.submit { worker.beginServing() }.get() }
        }

        /// What the task `t` answers on each worker.
        func answers() async throws -> [String] {
            var answers: [String] = []
            for worker in workers {
                let promise = worker.loop.makePromise(of: String.self)
                worker.loop.execute {
                    let request = TaskRequest(
                        agent: 0, taskType: "t", input: .body(ByteBuffer(string: #"{"query":"q"}"#)))
                    worker.perform(request) { outcome in
                        switch outcome.result {
                        case .success(let json): promise.succeed(String(buffer: json))
                        case .failure(let failure): promise.succeed(failure.description)
                        }
                    }
                }
                answers.append(try await promise.futureResult.get())
            }
            return answers
        }

        func stop() async throws {
            for worker in workers { try await worker.loop.submit { worker.close() }.get() }
            try await group.shutdownGracefully()
        }
    }

    final class Box: Sendable {
        private let stored = Mutex<[String]>([])
        var all: [String] { stored.withLock { $0 } }
        func append(_ text: String) { stored.withLock { $0.append(text) } }
    }

    private static func script(_ answer: String) -> String {
        "local agent = agenthost.agent { name = 'a' } agent:task('t', function() return \(answer) end) "
            + "agent:task('mark', function() agent.state.marked = true end)"
    }

    @Test("swaps all workers to a changed script, and keeps the old one when the new one is wrong") func reload()
        async throws
    {
        let folder = try ScriptFolder(["a.lua": Self.script("1")])
        let host = Host(path: folder.path(of: "a.lua"))
        try await host.start()
        #expect(try await host.answers() == ["1", "1"])
        try folder.write(Self.script("2"), to: "a.lua")
        await host.reloader.reloadChanged()
        #expect(try await host.answers() == ["2", "2"])
        #expect(host.status.snapshot?.script.generation == 2)
        try folder.write("local agent = agenthost.agent {", to: "a.lua")
        await host.reloader.reloadChanged()
        #expect(try await host.answers() == ["2", "2"])
        #expect(host.status.snapshot?.script.reloadError?.hasPrefix("a.lua:1:") == true)
        #expect(host.swapped.all.count == 4)
        #expect(host.status.counters.reloads.load(ordering: .relaxed) == 1)
        #expect(host.status.counters.failedReloads.load(ordering: .relaxed) == 1)
        try await host.stop()
    }

    @Test("reloads asked for at the same time happen one after another") func oneAfterAnother() async throws {
        let folder = try ScriptFolder(["a.lua": Self.script("1")])
        let host = Host(path: folder.path(of: "a.lua"))
        try await host.start()
        await withTaskGroup(of: Void.self) { tasks in
            for _ in 0..<5 { tasks.addTask { await host.reloader.reloadAll() } }
        }
        #expect(host.status.snapshot?.script.generation == 6)
        #expect(host.status.snapshot?.script.reloadError == nil)
        #expect(host.status.counters.failedReloads.load(ordering: .relaxed) == 0)
        #expect(try await host.answers() == ["1", "1"])
        try await host.stop()
    }

    @Test("a newer save ends the load of an older version, which is no failure") func newerSave() async throws {
        let folder = try ScriptFolder(["a.lua": Self.script("1"), "began.lua": "return 1"])
        let host = Host(path: folder.path(of: "a.lua"))
        try await host.start()
        try folder.write(Self.script("2") + " while true do end", to: "a.lua")
        let slow = Task { await host.reloader.reloadChanged() }
        // The endless load has begun once the host looks at what it has read.
        while await !host.reloader.isLoading { await Task.yield() }
        try folder.write(Self.script("3"), to: "a.lua")
        while try await host.answers() != ["3", "3"] { await host.reloader.reloadChanged() }
        await slow.value
        #expect(host.status.snapshot?.script.reloadError == nil)
        #expect(host.status.counters.failedReloads.load(ordering: .relaxed) == 0)
        try await host.stop()
    }

    @Test("all workers go back when one of them cannot start the new version") func allOrNone() async throws {
        let folder = try ScriptFolder(["a.lua": Self.script("1")])
        let host = Host(path: folder.path(of: "a.lua"))
        try await host.start()
        // Each worker has a state of its own; only one of them lets the start fail.
        try await host.workers[1].loop.submit { [worker = host.workers[1]] in
            worker.perform(TaskRequest(agent: 0, taskType: "mark", input: .body(ByteBuffer(string: #"{"query":"q"}"#))))
            {
                _ in
            }
        }.get()
        try folder.write(
            Self.script("2") + " agent:on_start(function() if agent.state.marked then error('no') end end)", to: "a.lua"
        )
        await host.reloader.reloadChanged()
        #expect(try await host.answers() == ["1", "1"])
        #expect(host.status.snapshot?.script.reloadError?.contains("no") == true)
        #expect(host.status.snapshot?.script.generation == 1)
        try await host.stop()
    }

    @Test("a first script that is wrong is an error with its line") func firstLoad() async throws {
        let folder = try ScriptFolder(["a.lua": "local agent = agenthost.agent { name = 'a' }\nagent:task('t')"])
        let host = Host(path: folder.path(of: "a.lua"))
        let failure = await #expect(throws: ScriptFailure.self) { try await host.start() }
        #expect(failure?.message.hasPrefix("a.lua:2:") == true)
        try await host.stop()
    }
}
