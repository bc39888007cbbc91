/// The `id:` of a Server-Sent Event: `epoch-offset`. The epoch is of the log that numbered the event, so that an id
/// from before a restart of the host is never taken for one of after it.
struct EventID: Equatable, Sendable, CustomStringConvertible {
    var epoch: UInt64
    var offset: Int

    init(epoch: UInt64, offset: Int) {
        self.epoch = epoch
        self.offset = offset
    }

    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let epoch = UInt64(parts[0], radix: 16), let offset = Int(parts[1]), offset >= 0 else {
            return nil
        }
        self.init(epoch: epoch, offset: offset)
    }

    var description: String { "\(String(epoch, radix: 16))-\(offset)" }
}
