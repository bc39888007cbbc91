import AgentModel
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// One request of a script and the redirects that it is sent on by. Confined to its loop.
final class HTTPExchange {
    /// Why a request is not made.
    struct Refusal: Error {
        let text: String
    }

    /// Followed before the request fails.
    private static let mostRedirects = 5

    /// The request that is made now.
    private var call: HTTPCall
    private let client: HTTPClient
    private let guarding: AddressGuard
    private let largestBody: Int
    private let loop: any EventLoop
    private let deadline: NIODeadline
    private let completion: (Result<HTTPAnswer, DeliveryFailure>) -> Void
    private var visited: Set<String> = []
    private var task: HTTPClient.Task<HTTPClient.Response>?
    /// `begin` has returned: until then the script has not begun to wait.
    private var hasBegun = false
    private var isGivenUp = false

    /// `largestBody` in bytes: a longer answer is an error.
    init(
        _ call: HTTPCall, through client: HTTPClient, _ guarding: AddressGuard, largestBody: Int,
        on loop: any EventLoop, _ completion: @escaping (Result<HTTPAnswer, DeliveryFailure>) -> Void
    ) {
        self.call = call
        self.client = client
        self.guarding = guarding
        self.largestBody = largestBody
        self.loop = loop
        self.completion = completion
        deadline = .now() + .nanoseconds(Int64(call.timeout * 1e9))
    }

    func begin() {
        send()
        hasBegun = true
    }

    func giveUp() {
        isGivenUp = true
        task?.fail(reason: HTTPClientError.cancelled)
    }

    private func send() {
        visited.insert(call.url)
        let request: HTTPClient.Request
        do {
            if let complaint = Self.complaint(aboutPortOf: call.url) { throw Refusal(text: complaint) }
            call = call.prepared()
            request = try HTTPClient.Request(
                url: call.url, method: HTTPMethod(rawValue: call.method),
                headers: HTTPHeaders(call.headers.map { ($0.name, $0.value) }),
                body: call.body.map { .byteBuffer($0) })
            if let refusal = guarding.refusal(host: request.host) { throw refusal }
        } catch {
            return complete(.failure(call.failure(error)))
        }
        let task = client.execute(
            request: request, delegate: ResponseAccumulator(request: request, maxBodySize: largestBody),
            eventLoop: .delegateAndChannel(on: loop), deadline: deadline)
        self.task = task
        task.futureResult.hop(to: loop).assumeIsolated().whenComplete { [self] result in
            guard !isGivenUp else { return }
            switch result {
            case .success(let response): received(response, to: request.url)
            case .failure(let error): failed(error, at: request.host)
            }
        }
    }

    private func failed(_ error: any Error, at host: String) {
        guard Self.mayBeUnreachable(error) else { return complete(.failure(call.failure(error))) }
        // A name that leads to an address which is refused may well not be reachable.
        guarding.refusal(behind: host, on: loop).assumeIsolated().whenComplete { [self] found in
            if !isGivenUp { complete(.failure(call.failure((try? found.get()) ?? error))) }
        }
    }

    /// Whether a request may have failed before there was a connection for it.
    private static func mayBeUnreachable(_ error: any Error) -> Bool {
        guard let error = error as? HTTPClientError else { return !(error is AddressGuard.Refusal) }
        return error == .connectTimeout || error == .deadlineExceeded || error == .getConnectionFromPoolTimeout
    }

    private func received(_ response: HTTPClient.Response, to url: URL) {
        guard let target = Self.redirect(response, from: url) else {
            return complete(
                .success(
                    HTTPAnswer(
                        status: Int(response.status.code),
                        headers: response.headers.map { (name: $0.name, value: $0.value) },
                        body: response.body ?? ByteBuffer())))
        }
        guard visited.count <= Self.mostRedirects else {
            return complete(.failure(call.failure(HTTPClientError.redirectLimitReached)))
        }
        guard !visited.contains(target.absoluteString) else {
            return complete(.failure(call.failure(HTTPClientError.redirectCycleDetected)))
        }
        // RFC 9110, section 15.4: 303 asks for a GET, and so do 301 and 302 in answer to a POST.
        if response.status == .seeOther && call.method != "HEAD"
            || [.movedPermanently, .found].contains(response.status) && call.method == "POST"
        {
            call.method = "GET"
            call.body = nil
            remove(["content-type"])
        }
        if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port) {
            // What was meant for one place is not told to another.
            remove(["origin", "cookie", "authorization", "proxy-authorization", "host"])
        }
        call.url = target.absoluteString
        send()
    }

    private func remove(_ names: Set<String>) {
        call.headers.removeAll { names.contains($0.name.lowercased()) }
    }

    /// Where the answer sends the request on to; nil when it does not.
    private static func redirect(_ response: HTTPClient.Response, from url: URL) -> URL? {
        guard [301, 302, 303, 307, 308].contains(response.status.code),
            let location = response.headers.first(name: "Location"),
            let target = URL(string: location, relativeTo: url)?.absoluteURL,
            target.scheme == "http" || target.scheme == "https"
        else { return nil }
        return target
    }

    /// What is wrong with the port of a URL: the client would trap on one beyond 65535, and take a longer number for none.
    private static func complaint(aboutPortOf url: String) -> String? {
        let rest = url.utf8.drop { $0 != UInt8(ascii: "/") }.dropFirst(2)
        var authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        if let at = authority.lastIndex(of: UInt8(ascii: "@")) { authority = authority[at...].dropFirst() }
        if let bracket = authority.lastIndex(of: UInt8(ascii: "]")) { authority = authority[bracket...] }
        guard let colon = authority.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let text = String(Substring(authority[colon...].dropFirst()))
        if text.isEmpty || UInt16(text).map({ $0 > 0 }) == true { return nil }
        return "\"\(text)\" is no port: 1 to 65535 expected"
    }
}

extension HTTPExchange {
    private func complete(_ result: Result<HTTPAnswer, DeliveryFailure>) {
        if hasBegun { return completion(result) }
        loop.assumeIsolated().execute { [self] in
            if !isGivenUp { completion(result) }
        }
    }
}
