package import AgentModel
import Logging
package import NIOCore
package import NIOHTTP1

/// One connection: requests are read, answered in their order, and perhaps become something else, as a WebSocket.
/// The only handler of its channel; confined to the channel's loop.
///
/// The next request is looked at when the one before is answered, so pipelined requests have their effects in order
/// too. What has been read and not looked at is bounded: beyond, the socket is not read.
package final class HTTPConnection: ChannelDuplexHandler, TurnParticipant {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    private enum Phase {
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

    /// What may wait unread in memory while a request is being answered.
    private static let maxWaitingInput = 64 << 10

    package let floor: ConnectionFloor
    /// What the head of the response must say.
    package var terms = ResponseHeads.Terms()
    /// Distinguishes the requests of the connection, so that an answer that comes too late finds no other.
    package private(set) var sequence = 0
    /// Position in the list of connections.
    var position = 0
    /// nil once the connection is gone.
    var responder: (any Responder)?
    private let list: ConnectionList
    private let output: ConnectionOutput
    private var phase = Phase.idle
    private var reader: RequestReader
    private var input = ByteBuffer()
    private var context: ChannelHandlerContext?
    private var deadline: NIODeadline?
    /// Bytes that what the connection has become, or a file, was sent.
    private var sentBytes = 0
    private var isProcessing = false
    /// What this connection holds of requests and messages that have not ended, as the budget counts it.
    private var heldBytes = 0
    private var isReadPending = false
    private var isInputClosed = false
    /// Whether what waits to be sent is below the limit for one client.
    private var isWritable = true
    /// To be flushed at the end of the loop's turn.
    private var isDirty = false
    /// To be processed again at the end of the loop's turn.
    private var isWoken = false

    init(_ floor: ConnectionFloor, _ list: ConnectionList) {
        self.floor = floor
        self.list = list
        output = ConnectionOutput(floor)
        reader = RequestReader(floor.settings)
    }

    package var eventLoop: any EventLoop { floor.eventLoop }

    /// Of the request that is being answered.
    package var head: RequestHead {
        _read { yield reader.head }
    }

    package var channel: (any Channel)? { context?.channel }

    /// A request is there whole and not answered.
    var isAnswering: Bool { if case .answering = phase { true } else { false } }

    /// Whether the request of that number is still to be answered.
    package func awaits(_ sequence: Int) -> Bool { sequence == self.sequence && isAnswering }

    // MARK: Channel events

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        output.open(context)
        list.add(self)
        expect(within: floor.settings.idleTimeout)
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        switch phase {
        case .lingering, .closed: return
        default: break
        }
        if input.readableBytes == 0 {
            input = bytes
        } else {
            input.writeBuffer(&bytes)
        }
        process()
    }

    /// There is no handler behind this one that would want to know.
    package func channelReadComplete(context: ChannelHandlerContext) {}

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed? = event as? ChannelEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        isInputClosed = true
        // A client that has said all it had to say may still wait for the answer.
        switch phase {
        case .answering, .sending: return
        default: abort(nil)
        }
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        // Not at once: this may come from within a flush that a script's handler caused.
        if isWritable { wakeLater() }
        context.fireChannelWritabilityChanged()
    }

    package func channelInactive(context: ChannelHandlerContext) {
        disconnected()
        context.fireChannelInactive()
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        disconnected()
        self.context = nil
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        floor.logger.debug("connection failed", metadata: ["error": "\(ErrorText.of(error))"])
        context.close(promise: nil)
    }

    /// Reading waits while there is enough to do, and while the peer does not read.
    package func read(context: ChannelHandlerContext) {
        if maySkipReading { isReadPending = true } else { context.read() }
    }

    private var maySkipReading: Bool {
        switch phase {
        case .answering, .sending: input.readableBytes > Self.maxWaitingInput
        case .lingering, .closed: false
        default: input.readableBytes > 0 && !isWritable
        }
    }

    private func disconnected() {
        let ended = phase
        output.close()
        guard list.remove(self) else { return }
        phase = .closed
        if case .answering = ended { responder?.clientGone() }
        responder?.answerEnded(bytes: sentBytes)
        responder = nil
        floor.budget.release(heldBytes)
        heldBytes = 0
        input = ByteBuffer()
        reader = RequestReader(floor.settings)
        if case .became(let successor) = ended { successor.lost() }
    }

    // MARK: Reading requests

    /// Does all that can be done with what was read.
    private func process() {
        guard !isProcessing else { return }
        isProcessing = true
        while step() { output.flushIfMany() }
        holdUnfinished()
        isProcessing = false
        output.flush()
        // The loop's buffer for reading is used again when nobody holds a part of it.
        if input.readableBytes == 0 { input = ByteBuffer() }
        if isReadPending, !maySkipReading {
            isReadPending = false
            context?.read()
        }
    }

    /// Counts what waits for the rest of a request or a message; gives it up when all connections hold too much of that.
    private func holdUnfinished() {
        let bytes =
            switch phase {
            case .head, .body: input.readableBytes + reader.unfinishedBytes
            case .became(let successor): successor.unfinishedBytes
            default: 0
            }
        guard bytes != heldBytes else { return }
        let isTaken = floor.budget.hold(bytes - heldBytes)
        heldBytes = bytes
        guard !isTaken else { return }
        switch phase {
        case .became(let successor): successor.givesUpUnfinished()
        case .head: refuseHead(.tooManyUnfinished)
        default: refuse(.tooManyUnfinished)
        }
        floor.budget.release(heldBytes)
        heldBytes = 0
    }

    /// False when nothing more can be done before something else happens.
    private func step() -> Bool {
        switch phase {
        case .idle, .head: return readHead()
        case .body: return readBody()
        case .became(let successor): return receive(successor)
        case .answering, .sending: return false
        case .lingering, .closed:
            input.clear()
            return false
        }
    }

    /// The input is out of the connection meanwhile: a client's handler may end the connection.
    private func receive(_ successor: any Successor) -> Bool {
        var bytes = ByteBuffer()
        swap(&bytes, &input)
        let goesOn = successor.receive(&bytes)
        if case .became = phase { swap(&bytes, &input) }
        return goesOn
    }

    private func readHead() -> Bool {
        guard input.readableBytes > 0, isWritable else { return false }
        switch reader.readHead(&input) {
        case .incomplete:
            if isInputClosed {
                endOutput()
            } else if case .idle = phase {
                phase = .head
                expect(within: floor.settings.headTimeout)
            }
            return false
        case .refused(let refusal):
            refuseHead(refusal)
            return false
        case .complete(let isRepeated):
            begin(isRepeated: isRepeated)
            return true
        }
    }

    private func begin(isRepeated: Bool) {
        guard let responder else { return }
        sequence += 1
        terms = responder.begin(isRepeated: isRepeated)
        if reader.head.expectsOther {
            return refuse(RequestRefusal(status: .expectationFailed, detail: "Expectation Failed"))
        }
        let isAwaited = input.readableBytes == 0
        reader.beginBody()
        if readBody() { return }
        if isAwaited, reader.head.expectsContinue, reader.head.minorVersion == 1 {
            // A request that is refused whatever its body need not send it.
            if responder.refusesWithoutBody {
                terms.keepsAlive = false
                return respond(ByteBuffer())
            }
            output.write { _ = $0.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n") }
        }
        phase = .body
        expect(within: floor.settings.bodyTimeout)
    }

    private func readBody() -> Bool {
        switch reader.readBody(&input) {
        case .incomplete: return false
        case .refused(let refusal): refuse(refusal)
        case .complete(let body): respond(body)
        }
        return true
    }

    private func respond(_ body: ByteBuffer) {
        phase = .answering
        deadline = nil
        responder?.respond(body)
    }

    /// A request whose head cannot be read: nothing is known of it.
    private func refuseHead(_ refusal: RequestRefusal) {
        reader.forget()
        terms = ResponseHeads.Terms()
        responder?.beginUnreadable()
        refuse(refusal)
    }

    /// A request that cannot be read to its end.
    private func refuse(_ refusal: RequestRefusal) {
        terms.keepsAlive = false
        answer(refusal.status, responder?.body(saying: refusal.detail))
    }

    // MARK: Answering

    /// Writes a response, whose body, if any, is JSON unless `type` says otherwise.
    package func answer(
        _ status: HTTPResponseStatus, _ body: ByteBuffer?, type: String? = nil, _ fields: [(String, String)] = []
    ) {
        mayKeepAlive()
        let bytes = body.flatMap { reader.head.method == .head ? nil : $0 }
        output.write { output in
            floor.heads.write(
                status, length: body?.readableBytes, type: type, terms: terms, fields: fields, to: &output)
            if let bytes { output.writeImmutableBuffer(bytes) }
        }
        responder?.answered(Int(status.code), bytes: bytes?.readableBytes ?? 0)
        answered()
    }

    /// Writes a response (200) whose body is JSON of `length` bytes, all of which `write` puts in their place.
    package func answer(jsonOf length: Int, _ write: (UnsafeMutableRawBufferPointer) -> Void) {
        mayKeepAlive()
        let hasBody = reader.head.method != .head
        output.write { output in
            floor.heads.write(.ok, length: length, terms: terms, room: length, to: &output)
            guard hasBody else { return }
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { target in
                write(UnsafeMutableRawBufferPointer(rebasing: target[..<length]))
                return length
            }
        }
        responder?.answered(200, bytes: hasBody ? length : 0)
        answered()
    }

    /// Writes the answer that a script made.
    package func answer(_ own: TaskAnswer) {
        // Two would be none for a browser; the script's is the more particular one.
        if own.namesOrigin { terms.allowedOrigin = nil }
        mayKeepAlive()
        let bytes = own.body.flatMap { reader.head.method == .head ? nil : $0 }
        output.write { output in
            floor.heads.write(own, terms: terms, to: &output)
            if let bytes { output.writeImmutableBuffer(bytes) }
        }
        responder?.answered(own.status, bytes: bytes?.readableBytes ?? 0)
        answered()
    }

    private func mayKeepAlive() {
        // A client is told that the connection ends, but what it has sent ahead is answered first.
        if floor.isStopping, input.readableBytes == 0 { terms.keepsAlive = false }
    }

    /// The request is answered, and the response written.
    private func answered() {
        if terms.keepsAlive, !isInputClosed || input.readableBytes > 0 {
            phase = .idle
            expect(within: floor.settings.idleTimeout)
        } else {
            endOutput()
        }
        guard !isProcessing else { return }
        output.flush()
        // Not at once: the worker may be in the middle of something when it answers.
        if input.readableBytes > 0 || isReadPending { wakeLater() }
    }

    // MARK: Files

    /// Writes the head of a file, and sends the file: `first`, which has been read already, and the `rest`.
    func answer(
        _ status: HTTPResponseStatus, _ file: OpenFile, first: ByteBuffer, rest: Range<Int>, type: String,
        _ fields: [(String, String)]
    ) {
        let length = first.readableBytes + rest.count
        let isWhole = reader.head.method == .head || rest.isEmpty
        output.write { output in
            floor.heads.write(status, length: length, type: type, terms: terms, fields: fields, to: &output)
            // Nothing, for HEAD.
            if isWhole { output.writeImmutableBuffer(first) }
        }
        guard !isWhole else {
            responder?.answered(Int(status.code), bytes: first.readableBytes)
            return answered()
        }
        answerBegins(status)
        let transfer = FileTransfer(file, rest: rest, to: self)
        phase = .sending(transfer)
        output.flush()
        transfer.send(first)
    }

    /// Sends a piece; `then` is told whether the client's system has taken all of it.
    func send(piece: ByteBuffer, then: @escaping (Bool) -> Void) {
        guard output.isOpen else { return then(false) }
        expect(within: floor.settings.idleTimeout)
        let written = eventLoop.makePromise(of: Void.self)
        output.send(piece, written)
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
        responder?.answerEnded(bytes: sentBytes)
        answered()
    }

    // MARK: Becoming something else

    /// Answers with a head alone, without end; `HEAD` is answered whole.
    package func beginStream(_ write: (inout ResponseHeads, ResponseHeads.Terms, inout ByteBuffer) -> Void) -> Bool {
        terms.keepsAlive = false
        output.write { write(&floor.heads, terms, &$0) }
        if reader.head.method == .head {
            responder?.answered(Int(HTTPResponseStatus.ok.code), bytes: 0)
            answered()
            return false
        }
        answerBegins(.ok)
        return true
    }

    /// From now on what comes is the successor's.
    package func become(_ successor: any Successor) {
        phase = .became(successor)
    }

    /// Answers that the client may go on as it asked to, and sends that.
    package func switchProtocols(_ fields: HTTPHeaders) {
        output.write { floor.heads.writeSwitchingProtocols(fields, to: &$0) }
        output.flush()
        answerBegins(.switchingProtocols)
        reader.forget()
    }

    private func answerBegins(_ status: HTTPResponseStatus) {
        responder?.answerBegan(Int(status.code))
        sentBytes = 0
    }

    /// Sends what has been written of an answer.
    package func flushOutput() { output.flush() }

    /// Sends bytes, with what else is sent in the loop's turn.
    package func send(_ bytes: ByteBuffer) { send(floor.turnEnd.frames.frame(bytes)) }

    /// As `send`, of a frame that others are sent too.
    package func send(_ frame: Frame) {
        guard output.isOpen else { return }
        sentBytes += frame.bytes.readableBytes
        output.send(frame)
        guard !isDirty else { return }
        isDirty = true
        floor.turnEnd.flushLater(self)
    }

    /// The end of the loop's turn.
    func flush() {
        isDirty = false
        output.sendFrames()
    }

    /// Whether the client's queue has room, after another attempt to empty it.
    package func takesMore() -> Bool {
        if !isWritable { output.retry() }
        return isWritable && output.isOpen
    }

    private func wakeLater() {
        guard !isWoken else { return }
        isWoken = true
        floor.turnEnd.wakeLater(self)
    }

    func wake() {
        isWoken = false
        if case .became(let successor) = phase { successor.becameWritable() }
        process()
    }

    // MARK: Ending

    /// Ends the own side once everything is written, and the connection when the peer has ended its side; at once when
    /// there is nothing more that the peer could send.
    package func endOutput(lingers: Bool = true) {
        phase = .lingering
        // For a response that its client takes slowly.
        expect(within: floor.settings.idleTimeout)
        isDirty = false
        guard let context, output.isOpen else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        output.flush(written)
        written.futureResult.assumeIsolated().whenComplete { [self] _ in
            expect(within: floor.settings.closeTimeout)
            context.close(mode: isInputClosed || !lingers ? .all : .output, promise: nil)
        }
    }

    /// Closes at once.
    package func abort(_ reason: String?) {
        if let reason { floor.logger.debug("\(reason)") }
        if case .became(let successor) = phase { successor.aborted() }
        context?.close(promise: nil)
    }

    /// The server stops: a response under way is still sent, everything else ends.
    func stop() {
        switch phase {
        case .answering, .sending: terms.keepsAlive = false
        case .became(let successor): successor.stop()
        case .lingering: break
        case .head: refuseHead(.stopping)
        case .body: refuse(.stopping)
        case .idle, .closed: abort(nil)
        }
    }

    /// Closes the connection if nothing else happens within the time.
    package func closes(within time: TimeAmount) { expect(within: time) }

    private func expect(within time: TimeAmount) { deadline = floor.deadline(in: time) }

    /// Called at every sweep.
    func tick(_ now: NIODeadline) {
        if case .became(let successor) = phase { successor.tick(now) }
        guard let deadline, now >= deadline else { return }
        self.deadline = nil
        switch phase {
        case .head: refuseHead(.timeout)
        case .body: refuse(.timeout)
        case .answering: break
        default: abort(nil)
        }
    }
}
