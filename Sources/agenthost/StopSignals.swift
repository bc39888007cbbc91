import AgentHosting
import Dispatch
import Foundation
import Logging
import NIOCore
import UnixSignals

/// What stands behind the service group's graceful shutdown: a second SIGTERM or SIGINT ends the process at once, and
/// the first one does when the shutdown takes longer than anything it waits for.
enum StopSignals {
    /// Watches until the process ends. `cleanUp` is called before it is ended from here.
    static func watch(_ stopTime: StopTime, _ voice: HostVoice, cleanUp: @escaping @Sendable () -> Void) async {
        var isStopping = false
        for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
            if isStopping {
                voice.endedAtOnce(by: signal == .sigint ? "SIGINT" : "SIGTERM")
                cleanUp()
                // As a shell reports a process that the signal ended.
                _exit(128 + (signal == .sigint ? SIGINT : SIGTERM))
            }
            isStopping = true
            // On a thread of its own, whatever the loops and tasks are busy with.
            let patience = Int(clamping: stopTime.patience.nanoseconds)
            DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(patience)) {
                voice.logger.error("the stop takes too long; the host ends without finishing it")
                cleanUp()
                _exit(1)
            }
        }
    }
}
