import NIOCore

/// A file on its way to a client, a piece after another: the next is read when the client has taken the one before, so a
/// slow client costs one piece of memory. Confined to the loop of its connection.
final class FileTransfer {
    private let file: OpenFile
    private let threads: FileThreads
    /// What has not been read.
    private var rest: Range<Int>
    private weak var connection: HTTPConnection?

    init(_ file: OpenFile, rest: Range<Int>, to connection: HTTPConnection) {
        self.file = file
        self.rest = rest
        self.connection = connection
        threads = connection.floor.files
    }

    /// Sends a piece that has been read, and then the rest.
    func send(_ bytes: ByteBuffer) {
        connection?.send(piece: bytes) { [self] isSent in
            if isSent { goOn() }
        }
    }

    private func goOn() {
        guard let connection, connection.isSending(self) else { return }
        if rest.isEmpty { return connection.sent(self) }
        let next = rest.prefix(FileLookup.chunk)
        rest = next.upperBound..<rest.upperBound
        threads.run({ [file] in file.read(next) }, then: { self.take($0) })
    }

    private func take(_ bytes: ByteBuffer?) {
        guard let connection, connection.isSending(self) else { return }
        // The head has told how long the file is: the client must see that this is not all of it.
        guard let bytes else { return connection.abort("a file was cut short while it was sent") }
        send(bytes)
    }
}
