import AgentModel
import HTTP1
import NIOCore
import NIOHTTP1
import Realtime

/// Answers the status routes, and the probes of orchestrators.
struct PageExchange {
    private let connection: HTTPConnection
    private let reception: Reception

    init(_ connection: HTTPConnection, _ reception: Reception) {
        self.connection = connection
        self.reception = reception
    }

    /// Answers with the page of a status route.
    func answer(_ target: RouteTarget) {
        switch target {
        case .root: answer(reception.pages.root)
        case .health:
            let pages = reception.pages
            connection.answer(pages.snapshot.health == .unhealthy ? .serviceUnavailable : .ok, pages.health.json())
        case .capabilities: answer(reception.pages.capabilities)
        case .metrics:
            let text = reception.status.metrics(webSockets: reception.exchange.realtime.connectionCount)
            connection.answer(.ok, ByteBuffer(string: text), type: "text/plain; version=0.0.4; charset=utf-8")
        case .probe(let probe): answer(probe)
        case .realtimeStatus: answer(reception.pages.realtimeStatus)
        case .realtimeConnections: connections()
        case .broadcast, .topicMessage, .eventStream, .topicStream, .task, .files: break
        }
    }

    private func answer(_ page: JSONValue) { connection.answer(.ok, page.json()) }

    private func connections() {
        let page: PageRequest
        do throws(PageRequest.Refusal) {
            page = try PageRequest(QueryString(connection.head.text(connection.head.query) ?? ""))
        } catch {
            return connection.answer(.unprocessableEntity, ErrorBody.invalid(error.issues))
        }
        answer(reception.pages.realtimeConnections(page))
    }

    func answer(_ probe: Probe) {
        switch probe {
        case .livez:
            let stalls = reception.exchange.life.stalls(longerThan: reception.settings.stuckAfter)
            guard !stalls.isEmpty else { return answer(["status": "alive"]) }
            let workers: [JSONValue] = stalls.map { stall in
                let seconds = (Double(stall.silence.nanoseconds) / 1e9 * 10).rounded() / 10
                return ["worker": .integer(Int64(stall.worker)), "silent_for": .number(seconds)]
            }
            connection.answer(
                .serviceUnavailable, JSONValue.object(["status": "stuck", "workers": .array(workers)]).json())
        case .readyz:
            let stage = reception.exchange.life.stage
            connection.answer(
                stage == .ready ? .ok : .serviceUnavailable,
                JSONValue.object(["status": .string("\(stage)")]).json())
        }
    }

    /// There is nobody yet who could answer, or nobody any more.
    func unavailable() {
        if !reception.isStopping { connection.terms.keepsAlive = false }
        let failure = reception.isStopping ? TaskFailure.stopping : .starting
        connection.answer(.serviceUnavailable, ErrorBody.detail(failure.description), [("retry-after", "1")])
    }
}
