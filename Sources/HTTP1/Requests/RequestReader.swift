import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Reads the requests of a connection, one after another: a value without I/O.
///
/// Most clients send the same head again and again. Such a head is compared with the one before and not read again; for
/// that it is kept, apart from what else came with it.
struct RequestReader {
    enum HeadProgress {
        case incomplete
        /// `isRepeated`: the head is, byte for byte, the one before.
        case complete(isRepeated: Bool)
        case refused(RequestRefusal)
    }

    /// Longest head that is kept: what it costs is paid by every connection.
    private static let maxKeptBytes = 1024

    /// Of the request that was read last.
    private(set) var head = RequestHead()
    private let settings: HTTPSettings
    private var parser: RequestHeadParser
    private var body = RequestBodyReader()
    private var isWithinHead = false
    /// `head` was read whole, and has its bytes to itself.
    private var isKept = false

    init(_ settings: HTTPSettings) {
        self.settings = settings
        parser = RequestHeadParser(maxBytes: settings.maxHeadBytes, maxFields: settings.maxHeaderFields)
    }

    /// Consumes the head that `input` begins with, once it is there whole.
    mutating func readHead(_ input: inout ByteBuffer) -> HeadProgress {
        if isKept, !isWithinHead, begins(input) {
            input.moveReaderIndex(forwardBy: head.length)
            return .complete(isRepeated: true)
        }
        switch parser.parse(input) {
        case .incomplete:
            isWithinHead = true
            return .incomplete
        case .refused(let refusal):
            forget()
            return .refused(refusal)
        case .complete(let complete):
            keep(complete, &input)
            isWithinHead = false
            parser = RequestHeadParser(maxBytes: settings.maxHeadBytes, maxFields: settings.maxHeaderFields)
            return .complete(isRepeated: false)
        }
    }

    /// Whether the bytes begin with the head before. Where they do, the head ends where that one did.
    private func begins(_ input: ByteBuffer) -> Bool {
        guard input.readableBytes >= head.length else { return false }
        return input.withUnsafeReadableBytes { new in
            head.bytes.withUnsafeReadableBytes { old in
                guard let new = new.baseAddress, let old = old.baseAddress else { return false }
                return memcmp(new, old, head.length) == 0
            }
        }
    }

    private mutating func keep(_ complete: RequestHead, _ input: inout ByteBuffer) {
        var bytes = ByteBuffer()
        swap(&bytes, &head.bytes)
        head = complete
        isKept = complete.length <= Self.maxKeptBytes
        if isKept {
            // In the memory of the one before, where nobody else has it any more.
            bytes.clear()
            input.readWithUnsafeReadableBytes { all in
                bytes.writeBytes(UnsafeRawBufferPointer(rebasing: all[..<complete.length]))
                return complete.length
            }
            head.bytes = bytes
        } else {
            head.bytes = input.readSlice(length: complete.length) ?? ByteBuffer()
        }
    }

    /// Nothing is known of the request, and nothing more is needed of the one before.
    mutating func forget() {
        head = RequestHead()
        isKept = false
    }

    // MARK: Body

    /// The head's body comes now.
    mutating func beginBody() {
        body = head.framing == .none ? RequestBodyReader() : RequestBodyReader(head.framing, settings: settings)
    }

    /// Consumes from `input` what belongs to the body.
    mutating func readBody(_ input: inout ByteBuffer) -> RequestBodyReader.Progress {
        let progress = body.read(&input)
        if case .complete = progress { body = RequestBodyReader() }
        return progress
    }

    /// Bytes of a body that has not ended, out of the input already.
    var unfinishedBytes: Int { body.unfinishedBytes }
}
