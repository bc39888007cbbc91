import CMosquitto
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Ends another thread's `poll(2)`. Any number of signals before the thread has looked cost one byte.
final class WakePipe: Sendable {
    /// The descriptor to poll for reading.
    let readEnd: Int32
    private let writeEnd: Int32
    private let isSignalled = Atomic(false)

    init() throws(MQTTError) {
        var ends: [Int32] = [-1, -1]
        guard pipe2(&ends, O_CLOEXEC | O_NONBLOCK) == 0 else {
            throw MQTTError(.unreachable, "no pipe for an MQTT connection: \(errorText(errno))")
        }
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    func signal() {
        guard !isSignalled.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var byte: UInt8 = 1
        _ = write(writeEnd, &byte, 1)
    }

    /// To be called before looking at what the signals may have been about.
    func drain() {
        var bytes: (UInt64, UInt64) = (0, 0)
        while read(readEnd, &bytes, MemoryLayout.size(ofValue: bytes)) > 0 {}
        isSignalled.store(false, ordering: .sequentiallyConsistent)
    }
}

/// The system's words for an error number.
func errorText(_ number: Int32) -> String {
    String(cString: strerror(number))
}
