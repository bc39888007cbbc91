import AgentModel

/// The routes whose paths have parameters, segment by segment. At each segment a literal goes before `{name}`, and that
/// before `{name:path}`, in whatever order they were declared.
///
/// A node is reached in one way only, and its literals are found by their hash: what a lookup costs depends on the
/// segments of the path, not on how many routes there are.
struct RouteTree {
    private final class Node {
        var literals: [Int: [(label: [UInt8], node: Node)]] = [:]
        var parameter: Node?
        var rest: PathRoutes?
        var routes: PathRoutes?
    }

    private let root = Node()

    /// The routes at a path with parameters, made when there are none.
    func routes(at path: RoutePath, takesEmptyRest: Bool) -> PathRoutes {
        var node = root
        for segment in path.segments {
            switch segment {
            case .literal(let text): node = Self.child(Array(text.utf8), of: node)
            case .parameter:
                let next = node.parameter ?? Node()
                node.parameter = next
                node = next
            case .rest:
                let routes = node.rest ?? PathRoutes(path: path, takesEmptyRest: takesEmptyRest)
                node.rest = routes
                return routes
            }
        }
        let routes = node.routes ?? PathRoutes(path: path)
        node.routes = routes
        return routes
    }

    private static func child(_ label: [UInt8], of node: Node) -> Node {
        let hash = RouteTable.hash(label)
        if let known = node.literals[hash]?.first(where: { $0.label == label }) { return known.node }
        let next = Node()
        node.literals[hash, default: []].append((label, next))
        return next
    }

    /// Looks for the first routes that `isWanted` takes; what it does not take is added to `others`.
    func find(
        _ path: UnsafeRawBufferPointer, isWanted: (PathRoutes) -> Bool, others: inout [PathRoutes]
    ) -> RouteMatch? {
        guard path.first == UInt8(ascii: "/") else { return nil }
        var captures: [Range<Int>] = []
        return find(path, from: 1, in: root, &captures, isWanted: isWanted, others: &others)
    }

    private func find(
        _ path: UnsafeRawBufferPointer, from begin: Int, in node: Node, _ captures: inout [Range<Int>],
        isWanted: (PathRoutes) -> Bool, others: inout [PathRoutes]
    ) -> RouteMatch? {
        let end = path[begin...].firstIndex(of: UInt8(ascii: "/")) ?? path.count
        let segment = UnsafeRawBufferPointer(rebasing: path[begin..<end])

        func enter(_ next: Node) -> RouteMatch? {
            if end < path.count {
                return find(path, from: end + 1, in: next, &captures, isWanted: isWanted, others: &others)
            }
            return next.routes.flatMap { take($0) }
        }
        func take(_ routes: PathRoutes) -> RouteMatch? {
            if isWanted(routes) { return RouteMatch(routes: routes, captures: captures) }
            others.append(routes)
            return nil
        }

        if !node.literals.isEmpty, let next = Self.literal(segment, in: node), let match = enter(next) { return match }
        if let next = node.parameter, !segment.isEmpty {
            captures.append(begin..<end)
            if let match = enter(next) { return match }
            captures.removeLast()
        }
        if let routes = node.rest, begin < path.count || routes.takesEmptyRest {
            captures.append(begin..<path.count)
            if let match = take(routes) { return match }
            captures.removeLast()
        }
        return nil
    }

    private static func literal(_ segment: UnsafeRawBufferPointer, in node: Node) -> Node? {
        if let node = find(segment, in: node) { return node }
        guard segment.contains(UInt8(ascii: "%")), var decoded = PercentEncoding.decoded(segment) else { return nil }
        return decoded.withUTF8 { find(UnsafeRawBufferPointer($0), in: node) }
    }

    private static func find(_ segment: UnsafeRawBufferPointer, in node: Node) -> Node? {
        node.literals[RouteTable.hash(segment)]?.first { entry in
            entry.label.count == segment.count && entry.label.elementsEqual(segment)
        }?.node
    }
}
