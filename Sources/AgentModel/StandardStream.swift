#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A stream that the process was given when it began.
package enum StandardStream: Int32, Sendable {
    case output = 1
    case error = 2

    /// Writes the text, in one piece where the system takes it so. Whoever was to read it may be gone, and a disk full: what
    /// cannot be written is dropped, as no host ends for want of a listener.
    package func put(_ text: String) {
        var text = text
        text.withUTF8 { put(UnsafeRawBufferPointer($0)) }
    }

    package func put(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { put($0) }
    }

    private func put(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = write(rawValue, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count < 0, errno == EAGAIN {
                // Somebody who has the same terminal or pipe made it so that it does not wait.
                var descriptor = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
                guard poll(&descriptor, 1, -1) >= 0 || errno == EINTR else { return }
            } else if count == 0 || errno != EINTR {
                return
            }
        }
    }
}
