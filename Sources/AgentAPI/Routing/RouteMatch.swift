import AgentModel

/// What answers at a path.
struct RouteMatch {
    let routes: PathRoutes
    /// What the parameters stand for, as it was sent; in the order of the route's path.
    var captures: [Range<Int>] = []
}

/// What a path was found to be.
enum RouteFinding {
    case match(RouteMatch)
    /// There are routes, and none is what was asked for; the most particular first.
    case others([PathRoutes])
    case nothing
}
