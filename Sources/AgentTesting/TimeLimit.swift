import LuaRuntime

/// The computing time that one test may take; checked wherever a test calls its host. Confined to the thread that made
/// it.
final class TimeLimit {
    /// Of computing time.
    let seconds: Double
    private let clock = ThreadClock()
    private var end = 0.0

    init(seconds: Double) {
        self.seconds = seconds
        begin()
    }

    func begin() {
        end = (clock.seconds ?? 0) + seconds
    }

    /// Throws once the time is over, however often the test catches it.
    func check() throws(LuaFailure) {
        if let now = clock.seconds, now > end { throw LuaFailure("the test was stopped: it took longer than \(text)") }
    }

    var text: String { "\(seconds.formattedSeconds) s" }
}

extension Double {
    /// Without a fraction where there is none: `10`, `0.5`.
    var formattedSeconds: String { self == rounded() && abs(self) < 1e15 ? "\(Int(self))" : "\(self)" }
}
