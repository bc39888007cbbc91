import HTTP1
import NIOCore

/// What is told of each request of a connection: to `/metrics`, and to the access log where there is one.
struct RequestMeasurement {
    /// nginx's status for a request whose client was gone before its answer; no client sees it.
    private static let clientGone = 499

    private let connection: HTTPConnection
    private let reception: Reception
    /// When the request's head had been read.
    private var began = NIODeadline.now()
    /// Of the request's route; nil while that is not known, and when there is none.
    private(set) var figures: RouteFigures?
    /// What is to be logged of an answer that goes on, when it ends.
    private var entry: AccessLog.Entry?

    init(_ connection: HTTPConnection, _ reception: Reception) {
        self.connection = connection
        self.reception = reception
    }

    /// A request begins, of which nothing but its head is known.
    mutating func begin() {
        began = .now()
        figures = nil
    }

    /// As `begin`, of a request whose route is known.
    mutating func isOf(_ figures: RouteFigures?) { self.figures = figures }

    /// The path is one that there are routes for.
    mutating func isOf(_ finding: RouteFinding) {
        switch finding {
        case .match(let match): figures = reception.figures.figures(of: match.routes)
        case .others(let others): figures = others.first.map { reception.figures.figures(of: $0) }
        case .nothing: break
        }
    }

    /// The request is answered; `bytes` are of the body.
    func answered(_ status: Int, bytes: Int) {
        count(status)
        if let log = reception.accessLog { log.write(accessEntry(status), bytes: bytes) }
    }

    /// The answer has begun and goes on: a WebSocket, an event stream, or a large file. Its line is written when it ends.
    mutating func answerBegan(_ status: Int) {
        count(status)
        if reception.accessLog != nil { entry = accessEntry(status) }
    }

    /// What went on has ended.
    mutating func answerEnded(bytes: Int) {
        guard let entry else { return }
        self.entry = nil
        reception.accessLog?.write(entry, bytes: bytes)
    }

    func clientGone() { answered(Self.clientGone, bytes: 0) }

    private func count(_ status: Int) {
        (figures ?? reception.figures.unknown).count(
            connection.head.method, status: status, duration: .now() - began)
    }

    private func accessEntry(_ status: Int) -> AccessLog.Entry {
        AccessLog.Entry(
            connection.head, route: (figures ?? reception.figures.unknown).route, status: status, began: began,
            peer: connection.channel?.remoteAddress)
    }
}
