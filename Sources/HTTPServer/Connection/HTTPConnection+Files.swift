import AgentModel
import Logging
import NIOCore
import NIOHTTP1

/// Files of folders (`static`).
extension HTTPConnection {
    func serve(_ mount: FileMount, captures: [Range<Int>]) {
        var asked: FileName? = FileName.mount
        if let rest = captures.first { asked = withPath { FileName($0[rest]) } }
        guard let name = asked else { return answerNotFound() }
        let sequence = sequence
        let conditions = FileConditions(head)
        let readsBody = head.method != .head
        let found = { [self] (lookup: FileLookup) in
            guard sequence == self.sequence, case .answering = phase else { return }
            answer(lookup, name)
        }
        server.files.run(
            { [directory = mount.directory] in
                FileLookup(name, below: directory, conditions, readsBody: readsBody)
            }, then: found)
    }

    func answerNotFound() {
        answer(.notFound, ErrorBody.detail("Not Found"))
    }

    private func answer(_ lookup: FileLookup, _ name: FileName) {
        switch lookup {
        case .found(let file, let answer, let first): send(file, name, answer, first)
        case .folder:
            let path = withPath { Array($0) } + [UInt8(ascii: "/")]
            answer(.temporaryRedirect, nil, [("location", location(of: path))])
        case .nothing: answerNotFound()
        case .failed(let number):
            server.logger.warning(
                "a file cannot be read",
                metadata: ["file": "\(name.path)", "reason": "\(ErrorText.system(number))"])
            answer(.internalServerError, ErrorBody.detail("The file cannot be read"))
        }
    }

    private func send(_ file: OpenFile, _ name: FileName, _ kind: FileConditions.Answer, _ first: ByteBuffer) {
        let version = file.version
        // A browser asks each time whether it has the newest one, and mostly gets no more than a yes.
        var fields = [("etag", version.tag), ("cache-control", "no-cache")]
        if let seconds = version.seconds { fields.append(("last-modified", HTTPDate.text(seconds))) }
        let range = version.sent(kind)
        let status: HTTPResponseStatus
        switch kind {
        case .notModified: return answer(.notModified, nil, fields)
        case .changed: return answer(.preconditionFailed, ErrorBody.detail("Precondition Failed"), fields)
        case .unsatisfiable:
            return answer(
                .rangeNotSatisfiable, ErrorBody.detail("Range Not Satisfiable"),
                [("content-range", "bytes */\(version.size)")])
        case .whole: status = .ok
        case .part:
            status = .partialContent
            fields.append(("content-range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(version.size)"))
        }
        // No browser is to take a picture for a script (Fetch standard, section 3.6).
        fields += [("accept-ranges", "bytes"), ("x-content-type-options", "nosniff")]
        borrowOutput()
        server.heads.write(
            status, length: range.count, type: ContentType.of(name.isFolder ? OpenFile.page : name.path), terms: terms,
            fields: fields, to: &output)
        guard head.method != .head, first.readableBytes < range.count else {
            // Nothing, for HEAD.
            output.writeImmutableBuffer(first)
            measureAnswer(status.code, bytes: first.readableBytes)
            return answered()
        }
        measureStream(status.code)
        let transfer = FileTransfer(
            file, rest: (range.lowerBound + first.readableBytes)..<range.upperBound, to: self)
        phase = .sending(transfer)
        flushOutput()
        transfer.send(first)
    }

    // MARK: A file on its way

    /// Sends a piece; `then` is told whether the client's system has taken all of it.
    func send(piece: ByteBuffer, then: @escaping (Bool) -> Void) {
        guard let socket else { return then(false) }
        expect(within: server.settings.idleTimeout)
        let written = eventLoop.makePromise(of: Void.self)
        socket.send(piece, written)
        let count = piece.readableBytes
        written.futureResult.assumeIsolated().whenComplete { [self] result in
            guard case .success = result else { return then(false) }
            sentBytes += count
            then(true)
        }
    }

    func isSending(_ transfer: FileTransfer) -> Bool {
        if case .sending(let current) = phase { current === transfer } else { false }
    }

    /// All of it is sent.
    func sent(_ transfer: FileTransfer) {
        guard isSending(transfer) else { return }
        measureStreamEnd()
        answered()
    }
}
