import AgentModel
import NIOCore

/// Takes a chunked body apart (RFC 9112 section 7.1): a value without I/O.
struct ChunkedBodyDecoder {
    enum Progress: Equatable {
        case incomplete
        case complete
        case refused(RequestRefusal)
    }

    private enum State {
        case size
        case data(remaining: Int)
        case dataEnd
        case trailer
    }

    /// Longest line of a chunk's size with its extensions, which mean nothing to this server.
    private static let maxSizeLine = 256

    private let maxBodyBytes: Int
    private let maxTrailerBytes: Int
    private var state = State.size
    private var bodyBytes = 0
    private var trailerBytes = 0

    init(maxBodyBytes: Int, maxTrailerBytes: Int) {
        self.maxBodyBytes = maxBodyBytes
        self.maxTrailerBytes = maxTrailerBytes
    }

    /// Consumes from `input` what belongs to the body and appends the data to `body`.
    mutating func decode(_ input: inout ByteBuffer, into body: inout ByteBuffer) -> Progress {
        while true {
            switch state {
            case .size:
                switch line(&input, limit: Self.maxSizeLine) {
                case .incomplete: return .incomplete
                case .refused(let refusal): return .refused(refusal)
                case .line(let text):
                    guard let size = Self.size(text) else { return .refused(.malformed("Invalid chunk size")) }
                    guard size <= maxBodyBytes - bodyBytes else { return .refused(.bodyTooLarge) }
                    bodyBytes += size
                    state = size == 0 ? .trailer : .data(remaining: size)
                }
            case .data(let remaining):
                let count = min(remaining, input.readableBytes)
                guard count > 0, var part = input.readSlice(length: count) else { return .incomplete }
                body.writeBuffer(&part)
                state = count == remaining ? .dataEnd : .data(remaining: remaining - count)
            case .dataEnd:
                guard let end: UInt16 = input.readInteger() else { return .incomplete }
                guard end == 0x0D0A else { return .refused(.malformed("Invalid end of a chunk")) }
                state = .size
            case .trailer:
                switch line(&input, limit: maxTrailerBytes - trailerBytes) {
                case .incomplete: return .incomplete
                case .refused(let refusal): return .refused(refusal)
                case .line(let text):
                    if text.readableBytes == 0 { return .complete }
                    trailerBytes += text.readableBytes + 2
                    guard text.readableBytesView.first.map(FieldText.isToken) == true,
                        text.readableBytesView.contains(UInt8(ascii: ":"))
                    else { return .refused(.malformed("Invalid trailer field")) }
                }
            }
        }
    }

    private enum Line {
        case incomplete
        case line(ByteBuffer)
        case refused(RequestRefusal)
    }

    private func line(_ input: inout ByteBuffer, limit: Int) -> Line {
        guard let length = input.readableBytesView.prefix(limit + 2).firstIndex(of: 0x0A) else {
            return input.readableBytes > limit ? .refused(.malformed("Line of a chunked body too long")) : .incomplete
        }
        let count = length - input.readerIndex
        guard count > 0, input.getInteger(at: length - 1, as: UInt8.self) == 0x0D,
            let text = input.readSlice(length: count - 1)
        else { return .refused(.malformed("A line must end with CR LF")) }
        input.moveReaderIndex(forwardBy: 2)
        let isValue = text.withUnsafeReadableBytes { FieldText.isValue($0) }
        return isValue ? .line(text) : .refused(.malformed("Invalid character in a chunked body"))
    }

    /// The size before any extension; nil when there is none.
    private static func size(_ text: ByteBuffer) -> Int? {
        var size = 0
        var digits = 0
        for byte in text.readableBytesView {
            guard let digit = Hexadecimal.value(byte) else {
                // An extension begins with `;`, perhaps after white space.
                return digits > 0 && (byte == UInt8(ascii: ";") || byte == 0x20 || byte == 0x09) ? size : nil
            }
            digits += 1
            guard digits <= 15 else { return nil }
            size = size << 4 | Int(digit)
        }
        return digits > 0 ? size : nil
    }
}
