import AgentScript
import Testing

@testable import AgentWorker

/// The order of a swap, without a worker.
@Suite("A swap of versions") struct VersionSwapTests {
    private static func name(_ action: VersionSwap.Action) -> String {
        switch action {
        case .none: "nothing"
        case .start: "start"
        case .announce: "announce"
        case .serve: "serve"
        case .restore(let failure): "restore: \(failure.message)"
        }
    }

    private func actions(_ events: [VersionSwap.Event]) -> [String] {
        var swap = VersionSwap()
        return events.map { Self.name(swap.handle($0)) }
    }

    @Test("copies and starts once, at the first quiet moment or when the patience ends, and serves when all are ready")
    func order() {
        #expect(
            actions([
                .looked(isQuiet: false), .looked(isQuiet: true), .patienceEnded, .looked(isQuiet: true), .commit,
                .started(nil), .started(nil), .commit, .commit, .abandon(ScriptFailure("late")),
            ]) == [
                "nothing", "start", "nothing", "nothing", "nothing", "announce", "nothing", "serve", "nothing",
                "nothing",
            ])
        #expect(actions([.patienceEnded, .looked(isQuiet: true), .started(nil)]) == ["start", "nothing", "announce"])
    }

    @Test("goes back once, whenever something fails before it serves, and nothing happens after that")
    func goesBack() {
        let failure = ScriptFailure("no")
        let after: [VersionSwap.Event] = [
            .looked(isQuiet: true), .patienceEnded, .started(nil), .started(failure), .commit, .abandon(failure),
        ]
        for before: [VersionSwap.Event] in [
            [.abandon(failure)], [.looked(isQuiet: true), .abandon(failure)],
            [.looked(isQuiet: true), .started(failure)],
            [.looked(isQuiet: true), .started(nil), .abandon(failure)],
        ] {
            let names = actions(before + after)
            #expect(names[before.count - 1] == "restore: no")
            #expect(names[before.count...].allSatisfy { $0 == "nothing" })
        }
    }
}
