package import AgentModel
import Logging
package import NIOCore
package import NIOHTTP1

/// One connection: requests are read, answered in their order, and perhaps become something else, as a WebSocket.
/// Confined to the loop of its channel.
///
/// The next request is looked at when the one before is answered, so pipelined requests have their effects in order
/// too. What has been read and not looked at is bounded: beyond, the socket is not read.
package final class HTTPConnection: ChannelUser {
    /// What it has in common with the others of its loop.
    package let floor: ConnectionFloor
    /// What the head of the response must say.
    package var terms = ResponseHeads.Terms()
    /// Distinguishes the requests of the connection, so that an answer that comes too late finds no other.
    package private(set) var sequence = 0
    /// Position in the list of connections.
    var position = 0
    /// nil once the connection is gone.
    var responder: (any Responder)?
    let wire: HTTPChannel
    private let list: ConnectionList
    private var phase = ConnectionPhase()
    private var reader: RequestReader
    private var deadline: NIODeadline?
    private var isProcessing = false
    private var unfinished: UnfinishedShare

    init(_ floor: ConnectionFloor, _ list: ConnectionList) {
        self.floor = floor
        self.list = list
        wire = HTTPChannel(floor)
        reader = RequestReader(floor.settings)
        unfinished = UnfinishedShare(of: floor.budget)
        wire.use(by: self)
    }

    /// That of its channel, to which it is confined.
    package var eventLoop: any EventLoop { floor.eventLoop }

    /// Of the request that is being answered.
    package var head: RequestHead {
        _read { yield reader.head }
    }

    /// nil once it is gone.
    package var channel: (any Channel)? { wire.channel }

    /// A request is there whole and not answered.
    var isAnswering: Bool { phase.isAnswering }

    /// Whether the request of that number is still to be answered.
    package func awaits(_ sequence: Int) -> Bool { sequence == self.sequence && isAnswering }

    // MARK: Channel events

    func opened() {
        list.add(self)
        expect(within: floor.settings.idleTimeout)
    }

    var wantsInput: Bool { phase.wantsInput }

    var maySkipReading: Bool {
        phase.maySkipReading(waiting: wire.input.readableBytes, isWritable: wire.isWritable)
    }

    func inputClosed() {
        // A client that has said all it had to say may still wait for the answer, or read one.
        switch phase.endingOfInput(isSent: wire.output.isEmpty) {
        case .atOnce: abort(nil)
        case .underWay: break
        case .onceSent: endOutput(lingers: false)
        }
    }

    func woken() {
        phase.successor?.becameWritable()
        process()
    }

    func disconnected() {
        let ended = phase
        guard list.remove(self) else { return }
        phase.close()
        if ended.isAnswering { responder?.clientGone() }
        responder?.answerEnded(bytes: wire.sentBytes)
        responder = nil
        unfinished.release()
        reader = RequestReader(floor.settings)
        ended.successor?.lost()
    }

    // MARK: Reading requests

    /// Does all that can be done with what was read.
    func process() {
        guard !isProcessing else { return }
        isProcessing = true
        while step() { wire.output.flushIfMany() }
        holdUnfinished()
        isProcessing = false
        wire.settle()
    }

    /// Counts what waits for the rest of a request or a message; gives it up when all connections hold too much of that.
    private func holdUnfinished() {
        let ofRequest = wire.input.readableBytes + reader.unfinishedBytes
        guard !unfinished.hold(phase.unfinishedBytes(ofRequest: ofRequest)) else { return }
        if let successor = phase.successor {
            successor.givesUpUnfinished()
        } else {
            end(phase.endingOfServer, .tooManyUnfinished)
        }
        unfinished.release()
    }

    /// False when nothing more can be done before something else happens.
    private func step() -> Bool {
        switch phase.step {
        case .readHead: return readHead()
        case .readBody: return readBody()
        case .hand(let successor): return receive(successor)
        case .wait: return false
        case .drop:
            wire.input.clear()
            return false
        }
    }

    /// The input is out of the connection meanwhile: a client's handler may end the connection.
    private func receive(_ successor: any Successor) -> Bool {
        var bytes = ByteBuffer()
        swap(&bytes, &wire.input)
        let goesOn = successor.receive(&bytes)
        if phase.successor != nil { swap(&bytes, &wire.input) }
        return goesOn
    }

    private func readHead() -> Bool {
        guard wire.input.readableBytes > 0, wire.isWritable else { return false }
        switch reader.readHead(&wire.input) {
        case .incomplete:
            if wire.isInputClosed {
                endOutput()
            } else if phase.beginHead() {
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
        let isAwaited = wire.input.readableBytes == 0
        reader.beginBody()
        if readBody() { return }
        if isAwaited, reader.head.expectsContinue, reader.head.minorVersion == 1 {
            // A request that is refused whatever its body need not send it.
            if responder.refusesWithoutBody {
                terms.keepsAlive = false
                return respond(ByteBuffer())
            }
            wire.output.write { _ = $0.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n") }
        }
        phase.beginBody()
        expect(within: floor.settings.bodyTimeout)
    }

    private func readBody() -> Bool {
        switch reader.readBody(&wire.input) {
        case .incomplete: return false
        case .refused(let refusal): refuse(refusal)
        case .complete(let body): respond(body)
        }
        return true
    }

    private func respond(_ body: ByteBuffer) {
        phase.beginAnswer()
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
        answered(Int(status.code), writer.write(status, body, type: type, terms, fields, isHead: isHead))
    }

    /// Writes a response (200) whose body is JSON of `length` bytes, all of which `write` puts in their place.
    package func answer(jsonOf length: Int, _ write: (UnsafeMutableRawBufferPointer) -> Void) {
        mayKeepAlive()
        answered(200, writer.write(jsonOf: length, terms, isHead: isHead, write))
    }

    /// Writes the answer that a script made.
    package func answer(_ own: TaskAnswer) {
        // Two would be none for a browser; the script's is the more particular one.
        if own.namesOrigin { terms.allowedOrigin = nil }
        mayKeepAlive()
        answered(own.status, writer.write(own, terms, isHead: isHead))
    }

    private var isHead: Bool { reader.head.method == .head }

    private var writer: ResponseWriter { ResponseWriter(floor: floor, output: wire.output) }

    private func mayKeepAlive() {
        // A client is told that the connection ends, but what it has sent ahead is answered first.
        if floor.isStopping, wire.input.readableBytes == 0 { terms.keepsAlive = false }
    }

    private func answered(_ status: Int, _ bytes: Int) {
        responder?.answered(status, bytes: bytes)
        answered()
    }

    /// The request is answered, and the response written.
    private func answered() {
        if terms.keepsAlive, !wire.isInputClosed || wire.input.readableBytes > 0 {
            phase.endRequest()
            expect(within: floor.settings.idleTimeout)
        } else {
            endOutput()
        }
        guard !isProcessing else { return }
        wire.output.flush()
        // Not at once: the worker may be in the middle of something when it answers.
        if wire.hasMore { wire.wakeLater() }
    }

    // MARK: Files

    /// Writes the head of a file, and sends the file: `first`, which has been read already, and the `rest`.
    func answer(
        _ status: HTTPResponseStatus, _ file: OpenFile, first: ByteBuffer, rest: Range<Int>, type: String,
        _ fields: [(String, String)]
    ) {
        let isWhole = isHead || rest.isEmpty
        // Nothing has been read for `HEAD`.
        let written = writer.write(
            status, length: first.readableBytes + rest.count, type: type, first: isWhole ? first : nil, terms, fields)
        if isWhole { return answered(Int(status.code), written) }
        answerBegins(status)
        let transfer = FileTransfer(file, rest: rest, threads: floor.files, on: wire)
        phase.send(transfer)
        wire.output.flush()
        transfer.send(first) { [self] progress in
            guard phase.isSending(transfer) else { return false }
            switch progress {
            case .isSending: expect(within: floor.settings.idleTimeout)
            case .sent:
                responder?.answerEnded(bytes: wire.sentBytes)
                answered()
            // The head has told how long the file is: the client must see that this is not all of it.
            case .cutShort: abort("a file was cut short while it was sent")
            }
            return true
        }
    }

    // MARK: Becoming something else

    /// Answers with a head alone, without end; `HEAD` is answered whole.
    package func beginStream(_ write: (inout ResponseHeads, ResponseHeads.Terms, inout ByteBuffer) -> Void) -> Bool {
        terms.keepsAlive = false
        wire.output.write { write(&floor.heads, terms, &$0) }
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
        phase.become(successor)
    }

    /// Answers that the client may go on as it asked to, and sends that.
    package func switchProtocols(_ fields: HTTPHeaders) {
        wire.output.write { floor.heads.writeSwitchingProtocols(fields, to: &$0) }
        wire.output.flush()
        answerBegins(.switchingProtocols)
        reader.forget()
    }

    private func answerBegins(_ status: HTTPResponseStatus) {
        responder?.answerBegan(Int(status.code))
        wire.beginCounting()
    }

    /// Sends what has been written of an answer.
    package func flushOutput() { wire.output.flush() }

    /// Sends bytes, with what else is sent in the loop's turn.
    package func send(_ bytes: ByteBuffer) { send(floor.turnEnd.frames.frame(bytes)) }

    /// As `send`, of a frame that others are sent too.
    package func send(_ frame: borrowing Frame) { wire.send(frame) }

    /// Whether the client's queue has room, after another attempt to empty it.
    package func takesMore() -> Bool { wire.takesMore() }

    // MARK: Ending

    /// Ends the own side once everything is written, and the connection when the peer has ended its side; at once when
    /// there is nothing more that the peer could send.
    package func endOutput(lingers: Bool = true) {
        phase.linger()
        // For a response that its client takes slowly.
        expect(within: floor.settings.idleTimeout)
        wire.end(lingers: lingers) { [self] in expect(within: floor.settings.closeTimeout) }
    }

    /// Closes at once.
    package func abort(_ reason: String?) {
        if let reason { floor.logger.debug("\(reason)") }
        phase.successor?.aborted()
        wire.close()
    }

    /// The server stops: a response under way is still sent, everything else ends.
    func stop() { end(phase.endingOfServer, .stopping) }

    private func end(_ ending: ConnectionPhase.Ending, _ refusal: RequestRefusal) {
        switch ending {
        case .refusingHead: refuseHead(refusal)
        case .refusingBody: refuse(refusal)
        case .withAnswer: terms.keepsAlive = false
        case .bySuccessor(let successor): successor.stop()
        case .underWay: break
        case .atOnce: abort(nil)
        }
    }

    /// Closes the connection if nothing else happens within the time.
    package func closes(within time: TimeAmount) { expect(within: time) }

    private func expect(within time: TimeAmount) { deadline = floor.deadline(in: time) }

    /// Called at every sweep.
    func tick(_ now: NIODeadline) {
        phase.successor?.tick(now)
        guard let deadline, now >= deadline else { return }
        self.deadline = nil
        end(phase.endingOfTime, .timeout)
    }
}
