internal import AgentModel

/// Who has partitions assigned, and hears on its event loop of what becomes of their messages.
protocol PartitionOwner: AnyObject {
    /// A message of `partition` was acknowledged; `advanced`: what may be committed is further than before.
    func settled(_ partition: AssignedPartition, advanced: Bool)
    /// A message of `partition` was let go without being acknowledged.
    func released(_ partition: AssignedPartition)
}

/// One partition from its assignment to its revocation; when it is assigned again it is another object.
///
/// So the object itself is the generation that a message belongs to: a settlement that comes after the revocation
/// reaches an object that nobody commits from.
final class AssignedPartition {
    enum State {
        /// Messages are delivered and settled.
        case active
        /// To be given up: nothing new begins, what runs may still settle.
        case revoking
        /// Given up: settlements are dropped.
        case revoked
    }

    /// Bytes of keys and values that wait for settlement, at most; one message more is let in before it is full.
    static let windowBytes = 16 << 20

    let origin: MessageOrigin
    /// Messages from the oldest unsettled one to the newest, at most.
    private let windowMessages: Int
    /// Keeps the library's client alive for as long as a message of it is.
    private let client: KafkaClient
    /// nil once revoked, which ends the cycle of references.
    private var owner: (any PartitionOwner)?

    private(set) var state = State.active
    private(set) var watermark = OffsetWatermark()
    /// Delivered, not settled and still held by someone.
    private(set) var outstanding = 0
    private(set) var unsettledBytes = 0
    /// Paused in librdkafka. Resuming a partition that is not paused rewinds it in 2.0.2 (#4636).
    var isPaused = false
    /// It was paused and has not caught up since: the next time its window is full it is paused at once.
    var isSlow = false
    /// The offset that the group's coordinator last confirmed; nil: none in this assignment.
    var committed: Int64?
    /// `watermark.position` has advanced since it was last stored.
    var isDirty = false
    /// The oldest unacknowledged message when it was last looked for, and when it was first seen, by the `CoarseClock`.
    private var oldest: (offset: Int64, since: Int64)?

    init(topic: String, number: Int32, windowMessages: Int, client: KafkaClient, owner: any PartitionOwner) {
        origin = MessageOrigin(.kafka, topic: topic, partition: number)
        self.windowMessages = windowMessages
        self.client = client
        self.owner = owner
    }

    var topic: String { origin.topic }
    var number: Int32 { origin.partition }
    var isFull: Bool { watermark.count >= windowMessages || unsettledBytes >= Self.windowBytes }

    /// Whether the window has room for a good run of messages, `part` of it in eighths.
    func hasRoom(eighths part: Int) -> Bool {
        watermark.count <= windowMessages / 8 * part && unsettledBytes <= Self.windowBytes / 8 * part
    }

    /// Seconds since the oldest unacknowledged message was first found by this call, as often as it is made.
    func oldestAge(at now: Int64) -> Double {
        guard watermark.count > 0, let offset = watermark.firstUnsettled else {
            oldest = nil
            return 0
        }
        if oldest?.offset != offset { oldest = (offset, now) }
        return Double(now - (oldest?.since ?? now)) / 1e9
    }

    /// Enters a message, and returns the number under which it settles.
    func deliver(offset: Int64, bytes: Int) -> Int {
        outstanding += 1
        unsettledBytes += bytes
        return watermark.deliver(offset: offset)
    }

    func settle(_ sequence: Int, bytes: Int) {
        guard state != .revoked, let owner else { return }
        outstanding -= 1
        unsettledBytes -= bytes
        owner.settled(self, advanced: watermark.settle(sequence))
    }

    /// A message was let go without being settled; it stays in the window, and is delivered again to whoever is next.
    func release() {
        guard state != .revoked, let owner else { return }
        outstanding -= 1
        owner.released(self)
    }

    func beginRevocation() {
        state = .revoking
    }

    func endRevocation() {
        state = .revoked
        owner = nil
    }
}
