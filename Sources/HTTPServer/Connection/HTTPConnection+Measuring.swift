import NIOCore
import NIOHTTP1

/// What is told of each request: to `/metrics`, and to the access log where there is one.
extension HTTPConnection {
    /// nginx's status for a request whose client was gone before its answer; no client sees it.
    private static let clientGone: UInt = 499

    /// A request begins, of which nothing but its head is known.
    func beginMeasuring() {
        began = .now()
        figures = nil
    }

    /// The path is one that there are routes for.
    func measure(as finding: RouteFinding) {
        switch finding {
        case .match(let match): figures = server.figures.figures(of: match.routes)
        case .others(let others): figures = others.first.map { server.figures.figures(of: $0) }
        case .nothing: break
        }
    }

    /// The request is answered; `bytes` are of the body.
    func measureAnswer(_ status: UInt, bytes: Int) {
        count(Int(status))
        if let entry = accessEntry(Int(status)) { server.accessLog?.write(entry, bytes: bytes) }
    }

    /// The answer has begun and goes on: a WebSocket, an event stream, or a large file. Its line is written when it ends.
    func measureStream(_ status: UInt) {
        count(Int(status))
        streamEntry = accessEntry(Int(status))
        sentBytes = 0
    }

    /// The connection is gone, in the phase that it was in.
    func measureEnd(of phase: Phase) {
        if case .answering = phase { measureAnswer(Self.clientGone, bytes: 0) }
        measureStreamEnd()
    }

    /// What went on has ended.
    func measureStreamEnd() {
        guard let entry = streamEntry else { return }
        streamEntry = nil
        server.accessLog?.write(entry, bytes: sentBytes)
    }

    private func count(_ status: Int) {
        (figures ?? server.figures.unknown).count(head.method, status: status, duration: .now() - began)
    }

    private func accessEntry(_ status: Int) -> AccessLog.Entry? {
        guard server.accessLog != nil else { return nil }
        return AccessLog.Entry(
            head, route: (figures ?? server.figures.unknown).route, status: status, began: began,
            peer: context?.channel.remoteAddress)
    }
}
