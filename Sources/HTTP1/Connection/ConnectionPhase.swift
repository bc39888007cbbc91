/// Where a connection is, between its requests, in them and behind them, and what follows from that. It does nothing
/// itself.
struct ConnectionPhase {
    private enum Place {
        /// Between requests.
        case idle
        /// Within the head of a request.
        case head
        case body
        /// A request is there whole and not answered.
        case answering
        /// A file, after its head.
        case sending(FileTransfer)
        case became(any Successor)
        /// The own side is ended; what the peer still sends is dropped, so that it can read the last response.
        case lingering
        case closed
    }

    /// What is to be done with the input.
    enum Step {
        case readHead
        case readBody
        case hand(any Successor)
        /// It waits.
        case wait
        case drop
    }

    /// How a connection ends that must.
    enum Ending {
        case refusingHead
        case refusingBody
        /// With the answer that is under way.
        case withAnswer
        case bySuccessor(any Successor)
        /// By what is under way.
        case underWay
        case atOnce
    }

    /// How a connection ends whose client has ended its side.
    enum InputEnding {
        case atOnce
        /// When everything is sent.
        case onceSent
        /// By what is under way.
        case underWay
    }

    /// What may wait unread in memory while a request is being answered.
    private static let maxWaitingInput = 64 << 10

    private var place = Place.idle

    // MARK: Where it is

    var isIdle: Bool { if case .idle = place { true } else { false } }

    /// A request is there whole and not answered.
    var isAnswering: Bool { if case .answering = place { true } else { false } }

    /// What the connection has become.
    var successor: (any Successor)? { if case .became(let successor) = place { successor } else { nil } }

    func isSending(_ transfer: FileTransfer) -> Bool {
        if case .sending(let current) = place { current === transfer } else { false }
    }

    // MARK: What follows

    var step: Step {
        switch place {
        case .idle, .head: .readHead
        case .body: .readBody
        case .became(let successor): .hand(successor)
        case .answering, .sending: .wait
        case .lingering, .closed: .drop
        }
    }

    var wantsInput: Bool { if case .drop = step { false } else { true } }

    /// - Parameter waiting: how many bytes have been read and not looked at.
    func maySkipReading(waiting: Int, isWritable: Bool) -> Bool {
        switch step {
        case .wait: waiting > Self.maxWaitingInput
        case .drop: false
        case .readHead, .readBody, .hand: waiting > 0 && !isWritable
        }
    }

    /// How many bytes are held of what has not ended: of a request `ofRequest`.
    func unfinishedBytes(ofRequest: Int) -> Int {
        switch place {
        case .head, .body: ofRequest
        case .became(let successor): successor.unfinishedBytes
        default: 0
        }
    }

    /// When the server stops.
    var endingOfServer: Ending {
        switch place {
        case .answering, .sending: .withAnswer
        case .became(let successor): .bySuccessor(successor)
        case .lingering: .underWay
        case .head: .refusingHead
        case .body: .refusingBody
        case .idle, .closed: .atOnce
        }
    }

    /// When nothing has happened for too long.
    var endingOfTime: Ending {
        switch place {
        case .head: .refusingHead
        case .body: .refusingBody
        // Its task has a limit of its own.
        case .answering: .underWay
        default: .atOnce
        }
    }

    /// When the client has ended its side; `isSent`: nothing waits to be sent.
    func endingOfInput(isSent: Bool) -> InputEnding {
        switch place {
        case .answering, .sending: .underWay
        case .lingering: isSent ? .atOnce : .underWay
        case .idle, .head, .body: isSent ? .atOnce : .onceSent
        case .became, .closed: .atOnce
        }
    }

    // MARK: Where it goes

    /// False when it is in the head already.
    mutating func beginHead() -> Bool {
        guard isIdle else { return false }
        place = .head
        return true
    }

    mutating func beginBody() { place = .body }

    mutating func beginAnswer() { place = .answering }

    mutating func send(_ transfer: FileTransfer) { place = .sending(transfer) }

    mutating func become(_ successor: any Successor) { place = .became(successor) }

    mutating func endRequest() { place = .idle }

    mutating func linger() { place = .lingering }

    mutating func close() { place = .closed }
}
