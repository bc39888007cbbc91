import NIOCore

/// A file on its way to a client, a piece after another: the next is read when the client has taken the one before, so a
/// slow client costs one piece of memory. Confined to the loop of its connection.
final class FileTransfer {
    enum Progress {
        /// Another piece is on its way.
        case isSending
        /// All of it is sent.
        case sent
        /// The file has become shorter than it was.
        case cutShort
    }

    private let file: OpenFile
    private let threads: FileThreads
    private let wire: HTTPChannel
    /// What has not been read.
    private var rest: Range<Int>

    init(_ file: OpenFile, rest: Range<Int>, threads: FileThreads, on wire: HTTPChannel) {
        self.file = file
        self.rest = rest
        self.threads = threads
        self.wire = wire
    }

    /// Sends a piece that has been read, and then the rest. `tell` is told how it goes; false from it ends the transfer.
    func send(_ bytes: ByteBuffer, _ tell: @escaping (Progress) -> Bool) {
        guard tell(.isSending) else { return }
        wire.send(bytes) { [self] isSent in
            if isSent { goOn(tell) }
        }
    }

    private func goOn(_ tell: @escaping (Progress) -> Bool) {
        if rest.isEmpty {
            _ = tell(.sent)
            return
        }
        guard tell(.isSending) else { return }
        let next = rest.prefix(FileLookup.chunk)
        rest = next.upperBound..<rest.upperBound
        threads.run(
            { [file] in file.read(next) },
            then: { [self] bytes in
                if let bytes { send(bytes, tell) } else { _ = tell(.cutShort) }
            })
    }
}
