/// Waits for something that cannot be cancelled, and no longer than `limit`: it goes on by itself after that.
///
/// - Returns: whether it has ended.
package func within(_ limit: Duration, _ work: @escaping @Sendable () async -> Void) async -> Bool {
    let (ends, end) = AsyncStream<Bool>.makeStream()
    Task {
        await work()
        end.yield(true)
    }
    let patience = Task {
        try? await Task.sleep(for: limit)
        end.yield(false)
    }
    defer { patience.cancel() }
    return await ends.first { _ in true } ?? false
}
