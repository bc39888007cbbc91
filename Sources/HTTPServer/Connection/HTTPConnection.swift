import AgentModel
import Logging
import NIOCore
import NIOHTTP1

/// One connection: requests are read, answered in their order, and perhaps become a WebSocket or an event stream.
/// The only handler of its channel; confined to the channel's loop.
///
/// The next request is looked at when the one before is answered, so pipelined requests have their effects in order
/// too. What has been read and not looked at is bounded: beyond, the socket is not read.
final class HTTPConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Phase {
        /// Between requests.
        case idle
        /// Within the head of a request.
        case head
        case body
        /// A task was asked for and has not answered, or a file is being looked up.
        case answering
        /// A file, after its head.
        case sending(FileTransfer)
        case webSocket(WebSocketConnection)
        case eventStream(EventStream)
        /// The own side is ended; what the peer still sends is dropped, so that it can read the last response.
        case lingering
        case closed
    }

    /// What may wait unread in memory while a request is being answered.
    private static let maxWaitingInput = 64 << 10
    /// Responses to pipelined requests are written out at least this often.
    private static let maxWaitingOutput = 64 << 10

    let server: HTTPServer
    var phase = Phase.idle
    var head = RequestHead()
    var terms = ResponseHeads.Terms()
    /// The request is of a page that is not let in.
    var isForeign = false
    /// When the request's head had been read.
    var began = NIODeadline.now()
    /// Of the request's route; nil while that is not known, and when there is none.
    var figures: RouteFigures?
    /// What is to be logged of the WebSocket or event stream when it ends.
    var streamEntry: AccessLog.Entry?
    /// Bytes that it was sent.
    var sentBytes = 0
    /// Distinguishes the requests of the connection, so that an answer that comes too late finds no other.
    var sequence = 0
    /// Position in `HTTPServer`'s list of connections.
    var position = 0
    var input = ByteBuffer()
    var output = ByteBuffer()
    private(set) var context: ChannelHandlerContext?
    /// nil before the channel is there, and once it is closed.
    private(set) var socket: SocketOutput?
    private var parser: RequestHeadParser
    private var body = RequestBodyReader()
    var deadline: NIODeadline?
    private var isProcessing = false
    /// What this connection holds of requests and messages that have not ended, as the exchange counts it.
    private var heldBytes = 0
    private var isReadPending = false
    private(set) var isInputClosed = false
    /// Whether what waits to be sent is below the limit for one client.
    private var isWritable = true
    /// To be flushed at the end of the loop's turn.
    private var isDirty = false
    /// What it is to be sent then.
    private var place = TurnFrames.nowhere
    /// To be processed again at the end of the loop's turn.
    private var isWoken = false

    var eventLoop: any EventLoop { server.eventLoop }

    init(server: HTTPServer) {
        self.server = server
        parser = RequestHeadParser(maxBytes: server.settings.maxHeadBytes, maxFields: server.settings.maxHeaderFields)
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        socket = SocketOutput(context)
        server.add(self)
        expect(within: server.settings.idleTimeout)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        switch phase {
        case .lingering, .closed, .eventStream: return
        default: break
        }
        if input.readableBytes == 0 {
            input = bytes
        } else {
            input.writeBuffer(&bytes)
        }
        process()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
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

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        // Not at once: this may come from within a flush that a script's handler caused.
        if isWritable { wakeLater() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        disconnected()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        disconnected()
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        server.logger.debug("connection failed", metadata: ["error": "\(ErrorText.of(error))"])
        context.close(promise: nil)
    }

    /// Reading waits while there is enough to do, and while the peer does not read.
    func read(context: ChannelHandlerContext) {
        if maySkipReading { isReadPending = true } else { context.read() }
    }

    private var maySkipReading: Bool {
        switch phase {
        case .answering, .sending: input.readableBytes > Self.maxWaitingInput
        case .lingering, .closed, .eventStream: false
        default: input.readableBytes > 0 && !isWritable
        }
    }

    private func disconnected() {
        let ended = phase
        socket?.close()
        socket = nil
        guard server.remove(self) else { return }
        phase = .closed
        measureEnd(of: ended)
        server.exchange.release(heldBytes)
        heldBytes = 0
        input = ByteBuffer()
        output = ByteBuffer()
        body = RequestBodyReader()
        switch ended {
        case .eventStream(let stream): stream.close()
        // Later, as for `channelWritabilityChanged`.
        case .webSocket(let client): eventLoop.assumeIsolated().execute { client.lost() }
        default: break
        }
    }

    // MARK: Reading requests

    /// Does all that can be done with what was read.
    func process() {
        guard !isProcessing else { return }
        isProcessing = true
        while step() {
            if output.readableBytes > Self.maxWaitingOutput { flushOutput() }
        }
        holdUnfinished()
        isProcessing = false
        flushOutput()
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
            case .head, .body: input.readableBytes + body.unfinishedBytes
            case .webSocket(let client): client.unfinishedBytes
            default: 0
            }
        guard bytes != heldBytes else { return }
        let isTaken = server.exchange.hold(bytes - heldBytes)
        heldBytes = bytes
        guard !isTaken else { return }
        switch phase {
        case .webSocket(let client): client.givesUpMessage()
        case .head: refuseHead(.tooManyUnfinished)
        default: refuse(.tooManyUnfinished)
        }
        server.exchange.release(heldBytes)
        heldBytes = 0
    }

    /// False when nothing more can be done before something else happens.
    private func step() -> Bool {
        switch phase {
        case .idle, .head: return readHead()
        case .body: return readBody()
        case .webSocket(let client): return receive(client)
        case .answering, .sending: return false
        case .eventStream, .lingering, .closed:
            input.clear()
            return false
        }
    }

    /// The input is out of the connection meanwhile: a client's handler may end the connection.
    private func receive(_ client: WebSocketConnection) -> Bool {
        var bytes = ByteBuffer()
        swap(&bytes, &input)
        let goesOn = client.receive(&bytes)
        if case .webSocket = phase { swap(&bytes, &input) }
        return goesOn
    }

    private func readHead() -> Bool {
        guard input.readableBytes > 0, isWritable else { return false }
        switch parser.parse(input) {
        case .incomplete:
            if isInputClosed {
                endOutput()
            } else if case .idle = phase {
                phase = .head
                expect(within: server.settings.headTimeout)
            }
            return false
        case .refused(let refusal):
            refuseHead(refusal)
            return false
        case .complete(let complete):
            head = complete
            head.bytes = input.readSlice(length: complete.length) ?? ByteBuffer()
            parser = RequestHeadParser(
                maxBytes: server.settings.maxHeadBytes, maxFields: server.settings.maxHeaderFields)
            begin()
            return true
        }
    }

    private func begin() {
        sequence += 1
        beginMeasuring()
        setTerms()
        if head.expectsOther {
            return refuse(RequestRefusal(status: .expectationFailed, detail: "Expectation Failed"))
        }
        let isAwaited = input.readableBytes == 0
        body = RequestBodyReader(head.framing, settings: server.settings)
        if readBody() { return }
        if isAwaited, head.expectsContinue, head.minorVersion == 1 {
            // A request that is refused whatever its body need not send it.
            if isRefusedWithoutBody {
                terms.keepsAlive = false
                return dispatch(body: ByteBuffer())
            }
            borrowOutput()
            output.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        }
        phase = .body
        expect(within: server.settings.bodyTimeout)
    }

    private func readBody() -> Bool {
        switch body.read(&input) {
        case .incomplete: return false
        case .refused(let refusal): refuse(refusal)
        case .complete(let complete):
            body = RequestBodyReader()
            dispatch(body: complete)
        }
        return true
    }

    // MARK: Writing

    /// Takes the loop's spare buffer for the responses to come.
    func borrowOutput() {
        if output.storageCapacity == 0 {
            swap(&output, &server.spareOutput)
            output.clear()
        }
    }

    func flushOutput() {
        guard output.readableBytes > 0 else { return }
        sendFrames()
        socket?.send(output)
        if output.storageCapacity <= HTTPServer.maxSpareBytes { server.spareOutput = output }
        output = ByteBuffer()
    }

    /// Sends to a WebSocket or an event stream, with what else it is sent in the loop's turn.
    func send(_ bytes: ByteBuffer) { send(server.turnEnd.frames.frame(bytes)) }

    /// As `send`, of a frame that others are sent too.
    func send(_ frame: Frame) {
        guard socket != nil else { return }
        flushOutput()
        sentBytes += frame.bytes.readableBytes
        place = server.turnEnd.frames.append(frame, after: place)
        if server.turnEnd.frames.length(at: place) > Self.maxWaitingOutput { sendFrames() }
        guard !isDirty else { return }
        isDirty = true
        server.turnEnd.flushLater(self)
    }

    /// The end of the loop's turn.
    func flush() {
        isDirty = false
        sendFrames()
    }

    private func sendFrames() {
        guard place != TurnFrames.nowhere else { return }
        let bytes = server.turnEnd.frames.bytes(at: place)
        place = TurnFrames.nowhere
        socket?.send(bytes)
    }

    /// Whether the client's queue has room, after another attempt to empty it.
    func takesMore() -> Bool {
        if !isWritable { socket?.flush() }
        return isWritable && socket != nil
    }

    /// The request is answered; `output` holds the response.
    func answered() {
        if terms.keepsAlive, !isInputClosed || input.readableBytes > 0 {
            phase = .idle
            expect(within: server.settings.idleTimeout)
        } else {
            endOutput()
        }
        guard !isProcessing else { return }
        flushOutput()
        // Not at once: the worker may be in the middle of something when it answers.
        if input.readableBytes > 0 || isReadPending { wakeLater() }
    }

    private func wakeLater() {
        guard !isWoken else { return }
        isWoken = true
        server.turnEnd.wakeLater(self)
    }

    func wake() {
        isWoken = false
        if case .eventStream(let stream) = phase { stream.becameWritable() }
        process()
    }
}
