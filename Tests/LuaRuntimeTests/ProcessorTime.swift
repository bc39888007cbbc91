import Glibc

/// CPU time of this thread, in milliseconds.
func cpuMilliseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
}

/// The least CPU time, in milliseconds, of up to three runs of `work`; the first that is below `limit` ends it.
///
/// What else runs on the machine slows the caches down, and so one run; what is not bounded is too slow each time.
func leastMilliseconds(below limit: Double, _ work: () throws -> Void) rethrows -> Double {
    var least = Double.infinity
    for _ in 0..<3 where least >= limit {
        let begin = cpuMilliseconds()
        try work()
        least = min(least, cpuMilliseconds() - begin)
    }
    return least
}
