import AgentModel
import HTTP1
import NIOCore

/// What one loop counts of the requests of one route. Confined to that loop; its counts are read through the board.
final class RouteFigures {
    private struct OfMethod {
        let method: RequestMethod
        let durations: LoopDurations
        /// The statuses that there have been.
        var answers: [(status: Int, count: LoopCount)]
    }

    let route: String
    private let board: RequestBoard
    private var methods: [OfMethod] = []
    /// Where the request before was counted, which is where most are.
    private var last: (method: RequestMethod, status: Int, durations: LoopDurations, count: LoopCount)?

    init(route: String, board: RequestBoard) {
        self.route = route
        self.board = board
    }

    /// A request was answered with the status, so long after its head had been read.
    func count(_ method: RequestMethod, status: Int, duration: TimeAmount) {
        if let last, last.method == method, last.status == status {
            last.durations.add(duration.nanoseconds)
            return last.count.add()
        }
        let position = methods.firstIndex { $0.method == method } ?? add(method)
        let durations = methods[position].durations
        durations.add(duration.nanoseconds)
        let count = methods[position].answers.first { $0.status == status }?.count ?? add(status, at: position)
        count.add()
        last = (method, status, durations, count)
    }

    private func add(_ status: Int, at position: Int) -> LoopCount {
        let count = LoopCount()
        methods[position].answers.append((status, count))
        board.add(count, of: kind(methods[position].method), status: status)
        return count
    }

    private func add(_ method: RequestMethod) -> Int {
        let durations = LoopDurations()
        methods.append(OfMethod(method: method, durations: durations, answers: []))
        board.add(durations, of: kind(method))
        return methods.count - 1
    }

    private func kind(_ method: RequestMethod) -> RequestBoard.Kind {
        RequestBoard.Kind(route: route, method: method.name)
    }
}

/// The figures of all routes of one loop. They outlive the route tables: a reload takes no count back.
struct LoopFigures {
    /// Of what no route is, whatever was asked for.
    let unknown: RouteFigures
    private let board: RequestBoard
    private var routes: [String: RouteFigures] = [:]

    init(board: RequestBoard) {
        self.board = board
        unknown = RouteFigures(route: "unknown", board: board)
    }

    /// Of a path's routes; looked up once for each table that has the path.
    mutating func figures(of routes: PathRoutes) -> RouteFigures {
        if let known = routes.figures { return known }
        let template = routes.path.text
        let figures = self.routes[template] ?? RouteFigures(route: template, board: board)
        self.routes[template] = figures
        routes.figures = figures
        return figures
    }
}
