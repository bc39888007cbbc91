import AgentModel
import NIOCore
import NIOHTTP1

/// From a request to its answer.
extension HTTPConnection {
    /// What the head of the response must say because of the request.
    func setTerms() {
        terms = ResponseHeads.Terms(minorVersion: head.minorVersion, keepsAlive: head.keepsAlive)
        isForeign = false
        guard let origin = head.text(head.origin) else {
            // What nobody keeps need not say what it depends on.
            if head.method == .get || head.method == .head { terms.varies = server.originsVary }
            return
        }
        terms.varies = !server.origins.isOpenToAll
        switch server.origins.admission(of: origin, at: head.text(head.authority)) {
        case .own: break
        case .allowed(let value):
            terms.allowedOrigin = value
            terms.allowsCredentials = server.origins.allowsCredentials
        case .refused:
            isForeign = true
            server.exchange.refusedOrigins.tell(origin, server.origins, server.logger)
        }
    }

    /// A request whose head cannot be read: nothing is known of it.
    func refuseHead(_ refusal: RequestRefusal) {
        head = RequestHead()
        beginMeasuring()
        terms = ResponseHeads.Terms()
        refuse(refusal)
    }

    /// A request that cannot be read to its end.
    func refuse(_ refusal: RequestRefusal) {
        terms.keepsAlive = false
        answer(refusal.status, ErrorBody.detail(refusal.detail))
    }

    func dispatch(body: ByteBuffer) {
        phase = .answering
        expectNothing()
        let table = server.routes
        let finding = table.map { find(in: $0) }
        if let finding { measure(as: finding) }
        if isAnsweredAsProbe() { return }
        if isRefusedAtTheDoor() { return }
        guard !server.isStopping, let table, let finding else { return unavailable() }
        if let method = head.preflightMethod, head.method == .options, head.origin != nil {
            return preflight(method: head.text(method))
        }
        if head.isAsterisk {
            return answer(.noContent, nil, [("allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")])
        }
        switch finding {
        case .nothing:
            if let location = redirection(in: table) {
                return answer(.temporaryRedirect, nil, [("location", location)])
            }
            answerNotFound()
        case .others(let others):
            var methods: [String] = []
            for method in others.flatMap(\.methods) where !methods.contains(method) { methods.append(method) }
            let allow = [("allow", (methods + ["OPTIONS"]).joined(separator: ", "))]
            if head.method == .options { return answer(.noContent, nil, allow) }
            answer(.methodNotAllowed, ErrorBody.detail("Method Not Allowed"), allow)
        case .match(let match):
            if let webSocket = match.routes.webSocket, head.method == .get,
                head.saysUpgrade || match.routes.target(.get) == nil
            {
                return upgrade(to: webSocket, captures: match.captures)
            }
            guard let target = match.routes.target(head.method) else { return }
            serve(target, captures: match.captures, body: body)
        }
    }

    /// Whether `Expect: 100-continue` is answered with a refusal.
    var isRefusedWithoutBody: Bool {
        guard !server.isStopping, let table = server.routes, case .match(let match) = find(in: table),
            let target = match.routes.target(head.method)
        else { return true }
        switch target {
        case .task, .broadcast, .topicMessage: return !takesContentType(isEmpty: false)
        default: return false
        }
    }

    private func serve(_ target: RouteTarget, captures: [Range<Int>], body: ByteBuffer) {
        switch target {
        case .task(let route): perform(route, captures: captures, body)
        case .files(let mount): serve(mount, captures: captures)
        case .root: page { $0.root }
        case .health:
            let pages = server.pages
            answer(pages.snapshot.health == .unhealthy ? .serviceUnavailable : .ok, pages.health.json())
        case .capabilities: page { $0.capabilities }
        case .metrics:
            let text = server.status.metrics(webSockets: server.exchange.connectionCount)
            answer(.ok, ByteBuffer(string: text), type: "text/plain; version=0.0.4; charset=utf-8")
        case .probe(let probe): answer(probe)
        case .realtimeStatus: page { $0.realtimeStatus }
        case .realtimeConnections: connectionsPage()
        case .broadcast: broadcast(body)
        case .topicMessage(let path): publish(body, to: topic("{topic}", path, captures))
        case .eventStream: stream(.events)
        case .topicStream(let path, let template):
            guard let topic = topic(template, path, captures) else { return invalidPath() }
            guard accepts(topic: topic) else { return }
            stream(.topic(topic))
        }
    }

    private func page(_ page: (StatusPages) -> JSONValue) {
        answer(.ok, page(server.pages).json())
    }

    private func connectionsPage() {
        let page: PageRequest
        do throws(PageRequest.Refusal) {
            page = try PageRequest(QueryString(head.text(head.query) ?? ""))
        } catch {
            return answer(.unprocessableEntity, ErrorBody.invalid(error.issues))
        }
        answer(.ok, server.pages.realtimeConnections(page).json())
    }

    private func unavailable() {
        if !server.isStopping { terms.keepsAlive = false }
        let failure = server.isStopping ? TaskFailure.stopping : .starting
        answer(.serviceUnavailable, ErrorBody.detail(failure.description), [("retry-after", "1")])
    }

    func invalidPath() {
        answer(.badRequest, ErrorBody.detail("The path is not UTF-8"))
    }

    // MARK: Publishing

    private func broadcast(_ body: ByteBuffer) {
        guard isObject(body) else { return }
        let count = server.topics.broadcast(type: ServerMessage.broadcast, payload: body)
        answer(.ok, JSONValue.object(["status": "broadcasted", "connections": .integer(Int64(count))]).json())
    }

    private func publish(_ body: ByteBuffer, to topic: String?) {
        guard let topic else { return invalidPath() }
        guard accepts(topic: topic), isObject(body) else { return }
        let count = server.topics.publish(topic: topic, data: body)
        let answered: JSONValue = [
            "status": "sent", "topic": .string(topic), "subscribers": .integer(Int64(count)),
        ]
        answer(.ok, answered.json())
    }

    /// Whether a body is a JSON object; answers when it is not.
    private func isObject(_ body: ByteBuffer) -> Bool {
        guard acceptsContentType(body) else { return false }
        if body.readableBytes == 0 {
            answer(.unprocessableEntity, ErrorBody.missingBody)
            return false
        }
        do throws(JSONError) {
            if try JSONScanner.members(of: body) != nil { return true }
            answer(.unprocessableEntity, ErrorBody.notAnObject(body))
        } catch {
            if error.isUTF8Error {
                answer(.badRequest, ErrorBody.detail(TaskFailure.invalidUTF8.description))
            } else {
                answer(
                    .unprocessableEntity, ErrorBody.invalidJSON(error.message, offset: error.offset, in: body))
            }
        }
        return false
    }

    // MARK: Cross-origin requests

    /// As Starlette's `CORSMiddleware` answers; every method and field is allowed to an allowed origin.
    private func preflight(method: String) {
        guard terms.allowedOrigin != nil else {
            return answer(.badRequest, ErrorBody.detail("Disallowed CORS origin"))
        }
        var fields = [
            ("access-control-allow-methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
            ("access-control-max-age", "600"),
        ]
        if let names = head.text(head.preflightFields) { fields.append(("access-control-allow-headers", names)) }
        answer(.ok, nil, fields)
    }

    // MARK: Answering

    /// Writes a response, whose body, if any, is JSON unless `type` says otherwise.
    func answer(
        _ status: HTTPResponseStatus, _ body: ByteBuffer?, type: String? = nil, _ fields: [(String, String)] = []
    ) {
        beginAnswer()
        server.heads.write(status, length: body?.readableBytes, type: type, terms: terms, fields: fields, to: &output)
        if let body, head.method != .head { output.writeImmutableBuffer(body) }
        measureAnswer(status.code, bytes: head.method == .head ? 0 : body?.readableBytes ?? 0)
        answered()
    }

    private func beginAnswer() {
        // A client is told that the connection ends, but what it has sent ahead is answered first.
        if server.isStopping, input.readableBytes == 0 { terms.keepsAlive = false }
        borrowOutput()
    }

    /// Writes the answer that a script made.
    func answer(_ own: TaskAnswer) {
        // Two would be none for a browser; the script's is the more particular one.
        if own.namesOrigin { terms.allowedOrigin = nil }
        beginAnswer()
        server.heads.write(own, terms: terms, to: &output)
        if let body = own.body, head.method != .head { output.writeImmutableBuffer(body) }
        measureAnswer(UInt(own.status), bytes: head.method == .head ? 0 : own.body?.readableBytes ?? 0)
        answered()
    }

    // MARK: What a connection can become

    private func stream(_ key: StreamKey) {
        terms.keepsAlive = false
        borrowOutput()
        server.heads.writeEventStream(terms: terms, to: &output)
        if head.method == .head {
            measureAnswer(HTTPResponseStatus.ok.code, bytes: 0)
            return answered()
        }
        measureStream(HTTPResponseStatus.ok.code)
        let query = head.text(head.query).map { QueryString($0) }
        let lastEventID = head.text(head.lastEventID) ?? query?["last_event_id"]
        let stream = EventStream(key: key, connection: self, server: server)
        phase = .eventStream(stream)
        input = ByteBuffer()
        // Open before the client can know of it: what another worker publishes once it does is in the stream.
        stream.open(lastEventID: lastEventID.flatMap { $0.isEmpty ? nil : $0 })
        flushOutput()
    }

    private func upgrade(to route: WebSocketRoute, captures: [Range<Int>]) {
        guard let parameters = parameters(route.path, captures) else { return invalidPath() }
        switch WebSocketHandshake.decide(head, isForeign: isForeign) {
        case .refuse(let status, let detail, let fields):
            answer(status, ErrorBody.detail(detail), fields)
        case .accept(let key):
            guard let channel = context?.channel else { return }
            let offers = head.bytes.withUnsafeReadableBytes {
                route.subprotocols.isEmpty ? [] : RequestHeadText.values(of: "sec-websocket-protocol", in: $0)
            }
            let subprotocol = route.subprotocol(among: offers)
            // A copy: the bytes of the head are a part of all that was read with it, and a WebSocket may live for long.
            let request = RequestContext(path: parameters, head: ByteBuffer(bytes: head.bytes.readableBytesView))
            WebSocketHandshake.fields(key: key, on: channel).assumeIsolated().whenComplete { [self] result in
                switch result {
                case .success(var fields):
                    if let subprotocol { fields.add(name: "sec-websocket-protocol", value: subprotocol) }
                    borrowOutput()
                    server.heads.writeSwitchingProtocols(fields, to: &output)
                    flushOutput()
                    measureStream(HTTPResponseStatus.switchingProtocols.code)
                    head = RequestHead()
                    let client = WebSocketConnection(
                        route: route, request: request, subprotocol: subprotocol, connection: self, server: server)
                    phase = .webSocket(client)
                    client.open()
                case .failure: answer(.badRequest, ErrorBody.detail("Invalid upgrade to WebSocket"))
                }
            }
        }
    }
}
