import ServiceLifecycle
import UnixSignals

/// SIGHUP asks for a reload.
enum HostSignals {
    static func hangups(_ reload: () async -> Void) async {
        for await _ in await UnixSignalsSequence(trapping: .sighup) { await reload() }
    }
}
