import Foundation
package import Logging
import Synchronization

/// Watches directories for saved Lua files with inotify: directories, not files, since editors replace files.
package final class ScriptWatcher: Sendable {
    private let descriptor: Int32
    private let wake: (read: Int32, write: Int32)
    private let watched = Mutex<Set<String>>([])
    private let logger: Logger

    /// nil when the system has no inotify instance left.
    package init?(logger: Logger) {
        descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        guard descriptor >= 0 else { return nil }
        var pipes: [Int32] = [0, 0]
        guard pipe(&pipes) == 0 else {
            close(descriptor)
            return nil
        }
        for end in pipes { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        wake = (pipes[0], pipes[1])
        self.logger = logger
    }

    deinit {
        close(descriptor)
        close(wake.read)
        close(wake.write)
    }

    package func watch(_ directories: Set<String>) {
        watched.withLock { known in
            for directory in directories where !known.contains(directory) {
                let mask = UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO)
                if inotify_add_watch(descriptor, directory, mask) >= 0 {
                    known.insert(directory)
                } else {
                    logger.warning("a directory cannot be watched", metadata: ["directory": "\(directory)"])
                }
            }
        }
    }

    /// One element for each time that files were saved and then left alone for 50 ms.
    package func changes() -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let thread = Thread { [self] in
                while self.waitForChange(milliseconds: -1) {
                    while self.settle(milliseconds: 50) {}
                    continuation.yield(())
                }
                continuation.finish()
            }
            thread.name = "script watcher"
            thread.start()
            continuation.onTermination = { _ in self.stop() }
        }
    }

    package func stop() {
        var byte: UInt8 = 0
        _ = write(wake.write, &byte, 1)
    }

    /// True when a file was saved; false when the watcher was stopped.
    private func waitForChange(milliseconds: Int32) -> Bool {
        while true {
            var descriptors = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0),
            ]
            let ready = poll(&descriptors, 2, milliseconds)
            if ready < 0, errno == EINTR { continue }
            if descriptors[1].revents != 0 { return false }
            if readsLuaFile() { return true }
        }
    }

    /// True when more came within the time.
    private func settle(milliseconds: Int32) -> Bool {
        var descriptors = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        guard poll(&descriptors, 1, milliseconds) > 0 else { return false }
        _ = readsLuaFile()
        return true
    }

    /// Reads the pending events; true when one is of a `.lua` file.
    private func readsLuaFile() -> Bool {
        var found = false
        withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 8) { buffer in
            while true {
                guard let base = buffer.baseAddress else { return }
                let count = read(descriptor, base, buffer.count)
                if count <= 0 { return }
                var offset = 0
                while offset + MemoryLayout<inotify_event>.size <= count {
                    let event = (base + offset).loadUnaligned(as: inotify_event.self)
                    let name = (base + offset + MemoryLayout<inotify_event>.size).assumingMemoryBound(to: CChar.self)
                    if event.len > 0, String(cString: name).hasSuffix(".lua") { found = true }
                    offset += MemoryLayout<inotify_event>.size + Int(event.len)
                }
            }
        }
        return found
    }
}
