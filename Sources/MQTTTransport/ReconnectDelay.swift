import NIOCore

/// How long to wait before the next attempt: 0.1 s, doubled each time, at most 5 s; 2 s after refused credentials.
struct ReconnectDelay {
    static let first = TimeAmount.milliseconds(100)
    static let longest = TimeAmount.seconds(5)
    /// A rotated secret may arrive before the broker knows it, and is to be in use within 5 s of both.
    static let afterRefusal = TimeAmount.seconds(2)
    /// A connection shorter than this does not prove that all is well: two clients of one name would otherwise push
    /// each other out ten times a second.
    private static let provenAfter = TimeAmount.seconds(5)

    private var next = ReconnectDelay.first

    mutating func afterConnection(lasting duration: TimeAmount, refused: Bool) -> TimeAmount {
        if refused { return Self.afterRefusal }
        if duration >= Self.provenAfter { next = Self.first }
        defer { next = min(Self.longest, next * 2) }
        return next
    }
}
