import NIOCore

/// Reads a request's body to its end (RFC 9112 section 6.3): a value without I/O.
struct RequestBodyReader {
    enum Progress {
        case incomplete
        case complete(ByteBuffer)
        case refused(RequestRefusal)
    }

    private let framing: RequestHead.Framing
    private let maxBytes: Int
    private var decoder: ChunkedBodyDecoder?
    private var decoded = ByteBuffer()

    /// For a request without a body.
    init() {
        framing = .none
        maxBytes = 0
    }

    init(_ framing: RequestHead.Framing, settings: HTTPSettings) {
        self.framing = framing
        maxBytes = settings.maxMessageBytes
        if framing == .chunked {
            decoder = ChunkedBodyDecoder(maxBodyBytes: maxBytes, maxTrailerBytes: settings.maxHeadBytes)
        }
    }

    /// Bytes of a chunked body that has not ended, out of the input already.
    var unfinishedBytes: Int { decoded.storageCapacity }

    /// Consumes from `input` what belongs to the body; a body of a known length stays there until it is whole, so that
    /// it need not be copied.
    mutating func read(_ input: inout ByteBuffer) -> Progress {
        switch framing {
        case .none: return .complete(ByteBuffer())
        case .length(let length) where length > maxBytes: return .refused(.bodyTooLarge)
        case .length(let length): return input.readSlice(length: length).map { .complete($0) } ?? .incomplete
        case .chunked:
            switch decoder?.decode(&input, into: &decoded) {
            case .incomplete: return .incomplete
            case .refused(let refusal): return .refused(refusal)
            case .complete, nil: return .complete(decoded)
            }
        }
    }
}
