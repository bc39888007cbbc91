import AgentModel
import HTTP1
import NIOCore
import NIOHTTP1
import Realtime

/// The requests of one connection and their answers: from a head to who answers it. Confined to the connection's loop.
final class RequestExchange: Responder {
    /// A task that a head stands for, whatever the body: looked for once while a client sends the same head.
    private struct KnownTask {
        let table: RouteTable
        let route: TaskRoute
        let context: RequestContext
        let figures: RouteFigures?
    }

    private let connection: HTTPConnection
    private let reception: Reception
    private var measurement: RequestMeasurement
    /// What the head of the answer must say because of the request.
    private var terms = ResponseHeads.Terms()
    /// The request is of a page that is not let in.
    private var isForeign = false
    private var known: KnownTask?

    init(_ connection: HTTPConnection, _ reception: Reception) {
        self.connection = connection
        self.reception = reception
        measurement = RequestMeasurement(connection, reception)
    }

    // MARK: Responder

    func begin(isRepeated: Bool) -> ResponseHeads.Terms {
        measurement.begin()
        if !isRepeated {
            known = nil
            setTerms(connection.head)
        }
        return terms
    }

    func beginUnreadable() {
        known = nil
        measurement.begin()
    }

    func body(saying reason: String) -> ByteBuffer { ErrorBody.detail(reason) }

    var refusesWithoutBody: Bool {
        guard !reception.isStopping, let table = reception.routes,
            case .match(let match) = table.find(connection.head),
            let target = match.routes.target(connection.head.method)
        else { return true }
        switch target {
        case .task, .broadcast, .topicMessage: return !connection.head.takesJSON(isEmpty: false)
        default: return false
        }
    }

    func respond(_ body: ByteBuffer) {
        if let known, known.table === reception.routes, !reception.isStopping {
            measurement.isOf(known.figures)
            tasks.perform(known.route, known.context, .of(body, known.route), body)
        } else {
            dispatch(connection.head, body)
        }
    }

    func answered(_ status: Int, bytes: Int) { measurement.answered(status, bytes: bytes) }

    func answerBegan(_ status: Int) { measurement.answerBegan(status) }

    func answerEnded(bytes: Int) { measurement.answerEnded(bytes: bytes) }

    func clientGone() { measurement.clientGone() }

    // MARK: Who may come in

    private func setTerms(_ head: RequestHead) {
        terms = ResponseHeads.Terms(minorVersion: head.minorVersion, keepsAlive: head.keepsAlive)
        isForeign = false
        guard let origin = head.text(head.origin) else {
            // What nobody keeps need not say what it depends on.
            if head.method == .get || head.method == .head { terms.varies = reception.originsVary }
            return
        }
        terms.varies = !reception.origins.isOpenToAll
        switch reception.origins.admission(of: origin, at: head.text(head.authority)) {
        case .own: break
        case .allowed(let value):
            terms.allowedOrigin = value
            terms.allowsCredentials = reception.origins.allowsCredentials
        case .refused:
            isForeign = true
            reception.exchange.refusedOrigins.tell(origin, reception.origins, reception.floor.logger)
        }
    }

    /// Answers a request that asks for a host which is not this one, or that would write for a page which is not let in:
    /// what is refused here has had no effect (contract section 3).
    private func isRefusedAtTheDoor(_ head: RequestHead) -> Bool {
        guard reception.hosts.admits(head) else {
            let host = (head.text(head.authority) ?? "").prefix(200)
            let text = "This is not \(host): ask for an address or localhost, or name the host in ALLOWED_HOSTS"
            connection.answer(.misdirectedRequest, ErrorBody.detail(text))
            return true
        }
        switch head.method {
        case .get, .head, .options: return false
        case .post, .put, .patch, .delete, .other: return isRefusedForItsOrigin()
        }
    }

    /// Answers what a page asks for that is not let in.
    private func isRefusedForItsOrigin() -> Bool {
        guard isForeign else { return false }
        connection.answer(.forbidden, ErrorBody.detail("Origin not allowed"))
        return true
    }

    // MARK: Who answers

    private var tasks: TaskExchange { TaskExchange(connection, reception.requests) }

    private func dispatch(_ head: RequestHead, _ body: ByteBuffer) {
        let table = reception.routes
        let finding = table.map { $0.find(head) }
        if let finding { measurement.isOf(finding) }
        // Before anything else: a kubelet asks for the pod's address and knows no name of the service, and it asks while
        // the host starts and stops too.
        if let probe = Probe(head) { return pages.answer(probe) }
        if isRefusedAtTheDoor(head) { return }
        guard !reception.isStopping, let table, let finding else { return pages.unavailable() }
        if let method = head.preflightMethod, head.method == .options, head.origin != nil {
            return preflight(head, method: head.text(method))
        }
        if head.isAsterisk {
            return connection.answer(.noContent, nil, [("allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")])
        }
        switch finding {
        case .nothing:
            if let location = table.redirection(of: head) {
                return connection.answer(.temporaryRedirect, nil, [("location", location)])
            }
            FileAnswer(on: connection, self).refuse()
        case .others(let others):
            var methods: [String] = []
            for method in others.flatMap(\.methods) where !methods.contains(method) { methods.append(method) }
            let allow = [("allow", (methods + ["OPTIONS"]).joined(separator: ", "))]
            if head.method == .options { return connection.answer(.noContent, nil, allow) }
            connection.answer(.methodNotAllowed, ErrorBody.detail("Method Not Allowed"), allow)
        case .match(let match):
            if let webSocket = match.routes.webSocket, head.method == .get,
                head.saysUpgrade || match.routes.target(.get) == nil
            {
                return entrance.upgrade(to: webSocket, captures: match.captures, isForeign: isForeign)
            }
            guard let target = match.routes.target(head.method) else { return }
            serve(target, table, head, match.captures, body)
        }
    }

    private func serve(
        _ target: RouteTarget, _ table: RouteTable, _ head: RequestHead, _ captures: [Range<Int>], _ body: ByteBuffer
    ) {
        switch target {
        case .task(let route): perform(route, table, head, captures, body)
        case .files(let mount):
            let files = FileAnswer(on: connection, self)
            guard let rest = captures.first else { return files.send(.mount, below: mount.directory) }
            guard let name = head.withPath({ FileName($0[rest]) }) else { return files.refuse() }
            files.send(name, below: mount.directory)
        case .root, .health, .capabilities, .metrics, .probe, .realtimeStatus, .realtimeConnections:
            pages.answer(target)
        case .broadcast: publishing.broadcast(body)
        case .topicMessage(let path): publishing.publish(body, to: path.topic("{topic}", head, captures))
        case .eventStream: entrance.stream(.events)
        case .topicStream(let path, let template):
            guard let topic = path.topic(template, head, captures) else { return connection.refuseInvalidPath() }
            if connection.accepts(topic: topic) { entrance.stream(.topic(topic)) }
        }
    }

    private var pages: PageExchange { PageExchange(connection, reception) }
    private var publishing: PublishingExchange { PublishingExchange(connection, reception.topics) }
    private var entrance: ClientEntrance { ClientEntrance(connection, reception) }

    /// The body; for a `GET`, whose body means nothing, and a `DELETE` without one the query string.
    private func perform(
        _ route: TaskRoute, _ table: RouteTable, _ head: RequestHead, _ captures: [Range<Int>], _ body: ByteBuffer
    ) {
        guard let parameters = route.path.parameters(head, captures) else { return connection.refuseInvalidPath() }
        let context = RequestContext(path: parameters, head: head.bytes)
        let isDelete = head.method == .delete && body.readableBytes == 0
        if head.method == .get || head.method == .head || isDelete {
            // A task may do anything, so here a `GET` of a page that is not let in is refused as a write of it is.
            if isRefusedForItsOrigin() { return }
            let query = QueryString(head.text(head.query) ?? "")
            return tasks.perform(route, context, .of(query, route), body)
        }
        guard connection.acceptsContentType(body) else { return }
        if head.method != .delete, head.hasJSONContentType {
            known = KnownTask(table: table, route: route, context: context, figures: measurement.figures)
        }
        tasks.perform(route, context, .of(body, route), body)
    }

    // MARK: Cross-origin requests

    /// As Starlette's `CORSMiddleware` answers; every method and field is allowed to an allowed origin.
    private func preflight(_ head: RequestHead, method: String) {
        guard terms.allowedOrigin != nil else {
            return connection.answer(.badRequest, ErrorBody.detail("Disallowed CORS origin"))
        }
        var fields = [
            ("access-control-allow-methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
            ("access-control-max-age", "600"),
        ]
        if let names = head.text(head.preflightFields) { fields.append(("access-control-allow-headers", names)) }
        connection.answer(.ok, nil, fields)
    }
}
