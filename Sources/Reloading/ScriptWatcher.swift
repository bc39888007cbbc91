import Foundation
package import Logging
import Synchronization

/// Tells of changes around a set of files with inotify. It watches directories, since editors, links and volumes replace
/// files rather than write them, and tells only that something has happened: what has changed is found by comparing what
/// is in the files.
package final class ScriptWatcher: Sendable {
    /// Milliseconds without an event after which a change is told, and in which it is told whatever else happens.
    private static let quiet: UInt64 = 50
    private static let longest: UInt64 = 250

    private let descriptor: Int32
    /// Wakes the thread: to stop, or to look although nothing has happened.
    private let wake: (read: Int32, write: Int32)
    private let watched = Mutex(Watched())
    private let logger: Logger

    private struct Watched {
        var files: Set<String> = []
        var interests: [Int32: WatchedPaths.Interest] = [:]
        var unwatchable: Set<String> = []
        var isStopped = false
    }

    /// nil when the system has no inotify instance left.
    package init?(logger: Logger) {
        descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        guard descriptor >= 0 else { return nil }
        var pipes: [Int32] = [0, 0]
        guard pipe(&pipes) == 0 else {
            close(descriptor)
            return nil
        }
        for end in pipes {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        wake = (pipes[0], pipes[1])
        self.logger = logger
    }

    deinit {
        close(descriptor)
        close(wake.read)
        close(wake.write)
    }

    /// Watches for changes of these files and no others, by absolute path. Where that takes a watch that was not there
    /// yet, a change is told at once: the file may have changed before.
    package func watch(_ files: Set<String>) {
        let hasNew = watched.withLock { watched in
            watched.files = files
            return place(&watched)
        }
        if hasNew { wakeUp() }
    }

    /// One element for each time that something happened: at most 50 ms after the last event, and 250 ms after the first.
    package func changes() -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let thread = Thread { [self] in
                while self.waitForEvent(until: nil) {
                    let end = Self.now + Self.longest
                    while self.waitForEvent(until: min(Self.now + Self.quiet, end)) {}
                    if self.watched.withLock({ $0.isStopped }) { break }
                    // A link may lead elsewhere now, a directory may be another one, or be there at last.
                    self.watched.withLock { _ = self.place(&$0) }
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
        watched.withLock { $0.isStopped = true }
        wakeUp()
    }

    private func wakeUp() {
        var byte: UInt8 = 0
        _ = write(wake.write, &byte, 1)
    }

    // MARK: Watches

    /// Watches what has to be watched now; returns whether a watch is new. What changed while the watches were placed is
    /// walked again.
    private func place(_ watched: inout Watched) -> Bool {
        let before = Set(watched.interests.keys)
        var paths = WatchedPaths(watched.files)
        for _ in 0..<3 {
            watched.interests = [:]
            for (directory, interest) in paths.directories { add(directory, interest, to: &watched) }
            let again = WatchedPaths(watched.files)
            if again.directories == paths.directories { break }
            paths = again
        }
        let now = Set(watched.interests.keys)
        for gone in before.subtracting(now) { inotify_rm_watch(descriptor, gone) }
        return !now.isSubset(of: before)
    }

    private func add(_ directory: String, _ interest: WatchedPaths.Interest, to watched: inout Watched) {
        var mask = UInt32(IN_CREATE) | UInt32(IN_DELETE) | UInt32(IN_MOVED_FROM) | UInt32(IN_MOVED_TO)
        if interest == .everything { mask |= UInt32(IN_MODIFY) | UInt32(IN_CLOSE_WRITE) | UInt32(IN_ATTRIB) }
        mask |= UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF) | UInt32(IN_ONLYDIR)
        let watch = inotify_add_watch(descriptor, directory, mask)
        if watch >= 0 {
            // Two ways to one directory, as a bind mount makes them, share a watch.
            watched.interests[watch] = watched.interests[watch] == nil ? interest : .everything
        } else if interest == .everything, errno != ENOENT, watched.unwatchable.insert(directory).inserted {
            logger.warning(
                "a directory cannot be watched: changes in it are not noticed",
                metadata: ["directory": "\(directory)", "error": "\(String(cString: strerror(errno)))"])
        }
    }

    // MARK: Events

    /// Milliseconds of the monotonic clock.
    private static var now: UInt64 { DispatchTime.now().uptimeNanoseconds / 1_000_000 }

    /// True when something happened that counts, false when nothing did until then; nil waits for ever.
    private func waitForEvent(until deadline: UInt64?) -> Bool {
        while true {
            let now = Self.now
            if let deadline, now >= deadline { return false }
            let milliseconds = deadline.map { Int32(clamping: $0 - now) } ?? -1
            var descriptors = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0),
            ]
            let ready = poll(&descriptors, 2, milliseconds)
            if ready == 0 || ready < 0 && errno == EINTR { continue }
            if ready < 0 { return false }
            let isWoken = descriptors[1].revents != 0
            if isWoken { drainWake() }
            if readEvents() || isWoken { return true }
        }
    }

    private func drainWake() {
        var bytes: [UInt8] = Array(repeating: 0, count: 64)
        while read(wake.read, &bytes, bytes.count) > 0 {}
    }

    /// Reads the pending events; true when one counts.
    private func readEvents() -> Bool {
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
                    if counts(event, event.len > 0 ? String(cString: name) : nil) { found = true }
                    offset += MemoryLayout<inotify_event>.size + Int(event.len)
                }
            }
        }
        return found
    }

    private func counts(_ event: inotify_event, _ name: String?) -> Bool {
        // Events were dropped: any of them may have counted (inotify(7)).
        if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { return true }
        let interest = watched.withLock { $0.interests[event.wd] }
        switch interest {
        case nil: return false
        case .everything: return true
        case .entries(let names): return name.map(names.contains) ?? true
        }
    }
}
