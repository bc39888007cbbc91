import Dispatch
import Synchronization

/// Tells the same trouble at most once a second: at once when it comes, and then, while it goes on, once a second its
/// latest line with how many more there were. Nothing is lost from the count. From any thread.
final class TroubleLimit: Sendable {
    /// Kinds of trouble that are told apart at one time; further ones count as one.
    private static let most = 1000
    private static let others = "others"
    private static let interval = 1.0

    /// A second that began with a line which was written.
    private struct Window {
        /// Lines that were not written.
        var kept = 0
        var last: LogLine?
    }

    private let windows = Mutex<[String: Window]>([:])
    private let write: @Sendable (LogLine, Int) -> Void
    private let after: @Sendable (Double, @escaping @Sendable () -> Void) -> Void

    /// `write` gets a line, and how many of its kind there were besides; `after` does something so many seconds later.
    init(
        after: @escaping @Sendable (Double, @escaping @Sendable () -> Void) -> Void = { seconds, work in
            DispatchQueue.global().asyncAfter(deadline: .now() + seconds, execute: work)
        },
        write: @escaping @Sendable (LogLine, Int) -> Void
    ) {
        self.after = after
        self.write = write
    }

    func tell(_ line: LogLine) {
        let kind = line.kind
        let begun = windows.withLock { windows -> String? in
            let kind = windows[kind] == nil && windows.count >= Self.most ? Self.others : kind
            if windows[kind] == nil {
                windows[kind] = Window()
                return kind
            }
            windows[kind]?.kept += 1
            windows[kind]?.last = line
            return nil
        }
        guard let begun else { return }
        write(line, 0)
        after(Self.interval) { [weak self] in self?.endWindow(begun) }
    }

    private func endWindow(_ kind: String) {
        guard let (line, more) = windows.withLock({ take(kind, of: &$0) }) else { return }
        write(line, more)
        after(Self.interval) { [weak self] in self?.endWindow(kind) }
    }

    /// What is to be told at the end of a window; nil, and the window is gone, for nothing.
    private func take(_ kind: String, of windows: inout [String: Window]) -> (LogLine, Int)? {
        guard let window = windows[kind], let last = window.last else {
            windows[kind] = nil
            return nil
        }
        windows[kind] = Window()
        return (last, window.kept - 1)
    }

    /// Tells what was kept back, without waiting for the second to end.
    func flush() {
        let kept = windows.withLock { windows in windows.keys.sorted().compactMap { take($0, of: &windows) } }
        for (line, more) in kept { write(line, more) }
    }
}
