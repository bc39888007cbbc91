import AgentModel
import NIOCore

/// From a request's path to what answers it.
extension HTTPConnection {
    func find(in table: RouteTable) -> RouteFinding {
        let method = head.method
        let isGet = method == .get
        return withPath { path in
            if isGet, head.saysUpgrade, case .match(let match) = table.find(path, { $0.webSocket != nil }) {
                return .match(match)
            }
            return table.find(path) { $0.target(method) != nil || isGet && $0.webSocket != nil }
        }
    }

    func withPath<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let path = head.path
        // The target `http://host` has no path; it means "/".
        if path.isEmpty { return [UInt8(ascii: "/")].withUnsafeBytes(body) }
        return head.bytes.withUnsafeReadableBytes { body(UnsafeRawBufferPointer(rebasing: $0[path])) }
    }

    /// As Starlette redirects: where the path without slashes at its end, or with one, has a route, whatever its method.
    func redirection(in table: RouteTable) -> String? {
        let other = withPath { path -> [UInt8] in
            guard path.last == UInt8(ascii: "/") else { return path + [UInt8(ascii: "/")] }
            let end = path.lastIndex { $0 != UInt8(ascii: "/") } ?? path.startIndex
            return Array(path[...end])
        }
        // Without a host before it, two slashes at the beginning would be one.
        guard other.count > 1, other[1] != UInt8(ascii: "/") || head.host != nil,
            case .match = other.withUnsafeBytes({ table.find($0) { !$0.targets.isEmpty } })
        else { return nil }
        return location(of: other)
    }

    /// The URL of a path of this server, with the request's query.
    func location(of path: [UInt8]) -> String {
        var location = ""
        if let host = head.text(head.host) {
            let forwarded = head.bytes.withUnsafeReadableBytes {
                RequestHeadText.values(of: "x-forwarded-proto", in: $0).first?.lowercased()
            }
            // Behind a proxy that ends TLS, the client's scheme is not the connection's.
            location = (forwarded == "https" ? "https://" : "http://") + host
        }
        var target = path
        if let query = head.query {
            target.append(UInt8(ascii: "?"))
            head.bytes.withUnsafeReadableBytes { target += $0[query] }
        }
        for byte in target {
            location += byte < 0x80 ? String(UnicodeScalar(byte)) : "%" + String(byte, radix: 16, uppercase: true)
        }
        return location
    }

    /// What the parameters of the path stand for; nil where that is not UTF-8.
    func parameters(_ path: RoutePath, _ captures: [Range<Int>]) -> [(name: String, value: String)]? {
        guard !captures.isEmpty else { return [] }
        var parameters: [(name: String, value: String)] = []
        for (name, capture) in zip(path.names, captures) {
            guard let value = withPath({ PercentEncoding.decoded($0[capture]) }) else { return nil }
            parameters.append((name, value))
        }
        return parameters
    }

    /// The topic that a template means on this request's path.
    func topic(_ template: String, _ path: RoutePath, _ captures: [Range<Int>]) -> String? {
        guard !captures.isEmpty else { return template }
        guard let parameters = parameters(path, captures) else { return nil }
        let topic = RequestContext(path: parameters).filled(template)
        return topic.utf8.contains(0) ? nil : topic
    }
}
