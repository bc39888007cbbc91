import AgentScript
import LuaRuntime
import NIOEmbedded

/// One file of tests: a Lua state of its own, the tests that it declares and the hosts that it loads. Confined to the
/// thread that made it.
final class TestFile {
    private struct Test {
        var name: String
        var body: LuaReference
        /// `file:line`.
        var location: String
    }

    let path: String
    let coverage = CoverageTally()
    private let limit: TimeLimit
    private let settings: TestHost.Settings
    private let scriptHost: TestFileHost
    private let generation: Generation
    private var tests: [Test] = []
    private var hosts: [TestHost] = []
    private var isRunning = false
    private let libraryLoop: EmbeddedEventLoop

    /// Throws when there is no memory for a Lua state. `output` takes what the file prints, line by line.
    init(
        path: String, limit: Double, settings: @escaping TestHost.Settings, output: @escaping (String) -> Void
    ) throws(ScriptFailure) {
        self.path = path
        self.limit = TimeLimit(seconds: limit)
        self.settings = settings
        scriptHost = TestFileHost(output: output)
        libraryLoop = EmbeddedEventLoop()
        generation = try Generation(
            library: ScriptSnapshot(path: path), limits: LuaLimits(), host: scriptHost, eventLoop: libraryLoop)
        TestModule.install(in: self)
    }

    var state: LuaState { generation.state }

    /// Where the file is; scripts to load are beside it.
    var directory: String { TestPath.directory(of: path) }

    /// Runs the file itself, which declares its tests. Returns what went wrong.
    func load() -> TestFailure? {
        limit.begin()
        do throws(ScriptFailure) {
            let source = try generation.snapshot.script()
            do throws(LuaError) {
                let chunk = try compile(source)
                try state.call(chunk, budget: .seconds(limit.seconds))
                state.stack.release(chunk)
            } catch {
                return failure(error)
            }
        } catch {
            return TestFailure(message: error.message)
        }
        return nil
    }

    private func compile(_ source: [UInt8]) throws(LuaError) -> LuaReference {
        let compiled = source.withUnsafeBytes { bytes in
            do throws(LuaError) {
                return Result<LuaReference, LuaError>.success(try state.compile(bytes, name: generation.snapshot.name))
            } catch {
                return .failure(error)
            }
        }
        return try compiled.get()
    }

    // MARK: What the file calls

    func register(_ name: String, _ body: LuaReference, at location: String?) throws(LuaFailure) {
        guard !isRunning else { throw LuaFailure("a test cannot declare another: \"\(name)\"") }
        guard !name.isEmpty, !name.contains(where: \.isNewline) else {
            throw LuaFailure("bad argument 'name' to 'test' (a name on one line expected)")
        }
        if let earlier = tests.first(where: { $0.name == name }) {
            throw LuaFailure("there is a test \"\(name)\" already, at \(earlier.location)")
        }
        tests.append(Test(name: name, body: body, location: location ?? generation.snapshot.name))
    }

    func makeHost(_ path: String, environment: [String: String]) throws(ScriptFailure) -> TestHost {
        let host = TestHost(environment: environment, settings: settings, coverage: coverage, limit: limit)
        hosts.append(host)
        _ = try host.load(path)
        return host
    }

    // MARK: Running

    /// The tests in the order in which they run, and where they are declared.
    var all: [(name: String, location: String)] { tests.map { ($0.name, $0.location) } }

    /// Runs one test.
    func run(_ name: String) -> TestFailure? {
        guard let test = tests.first(where: { $0.name == name }) else { return nil }
        limit.begin()
        isRunning = true
        let hostsBefore = hosts.count
        for host in hosts { host.beginTest() }
        var result: TestFailure?
        do throws(LuaError) {
            try state.call(test.body, budget: .seconds(limit.seconds))
            do throws(LuaFailure) { try limit.check() } catch {
                result = TestFailure(message: "\(test.location): \(error.message)")
            }
        } catch {
            result = failure(error, fallback: test.location)
        }
        result?.log = hosts.flatMap { $0.log.all }.suffix(TestFailure.longestLog)
        isRunning = false
        // A host that a test has loaded ends with it.
        for host in hosts.dropFirst(hostsBefore) { host.close() }
        hosts.removeSubrange(hostsBefore...)
        for host in hosts { host.endTest() }
        return result
    }

    private func failure(_ error: LuaError, fallback: String? = nil) -> TestFailure {
        var message = error.message
        if error.kind == .budget { message += " (stopped after \(limit.text))" }
        if !Self.hasLocation(message) {
            let place = error.traceback.flatMap(Self.firstLocation) ?? fallback
            if let place { message = "\(place): \(message)" }
        }
        return TestFailure(message: message, traceback: error.traceback)
    }

    /// Whether a message begins with `file:line:`.
    private static func hasLocation(_ message: String) -> Bool {
        let line = message.prefix { !$0.isNewline }
        let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        return parts.count == 3 && !parts[1].isEmpty && parts[1].utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
    }

    /// The innermost `file:line` of a traceback.
    private static func firstLocation(_ traceback: String) -> String? {
        for line in traceback.split(separator: "\n") where line.hasPrefix("\t") {
            let text = line.dropFirst()
            if hasLocation(String(text)) {
                return text.split(separator: ":", maxSplits: 2).prefix(2).joined(separator: ":")
            }
        }
        return nil
    }

    /// Ends the hosts and frees the Lua states.
    func close() {
        for host in hosts { host.close() }
        hosts = []
        generation.close()
    }
}
