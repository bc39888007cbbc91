#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The computing time of one thread, readable from any other. A test waits for nothing but its own computing, so this
/// measures it the same on a busy machine and on an idle one.
struct ThreadClock: Sendable {
    private let clock: clockid_t

    /// The clock of the thread that calls.
    init() {
        var clock = CLOCK_THREAD_CPUTIME_ID
        _ = pthread_getcpuclockid(pthread_self(), &clock)
        self.clock = clock
    }

    /// Seconds since the thread began; nil once it has ended.
    var seconds: Double? {
        var time = timespec()
        guard clock_gettime(clock, &time) == 0 else { return nil }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
