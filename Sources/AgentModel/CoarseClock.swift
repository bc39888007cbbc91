#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A clock whose reading is a read of memory, for what is asked once for each message: nanoseconds that have passed, as of
/// the kernel's last tick (1 to 10 ms ago). Differences of many readings add up to what has passed.
package enum CoarseClock {
    package static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
