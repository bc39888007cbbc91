package import AgentModel
import AsyncHTTPClient
package import NIOCore
import NIOHTTP1
import Synchronization

/// Makes the HTTP requests of scripts.
package protocol OutboundHTTP: AnyObject, Sendable {
    /// Completes on the loop; the closure returned gives the request up, and then nothing completes.
    func execute(
        _ call: HTTPCall, on loop: any EventLoop, completion: @escaping (Result<HTTPAnswer, DeliveryFailure>) -> Void
    ) -> () -> Void
}

/// `OutboundHTTP` over AsyncHTTPClient: keep-alive, TLS, redirects.
package final class AsyncHTTPOutbound: OutboundHTTP {
    /// Bytes; a longer answer is an error.
    private static let largestBody = 16 << 20
    private let group: any EventLoopGroup
    /// Made by the first request: most agents make none. Agents that may reach different addresses have different ones,
    /// so that none is given a connection that another was allowed to make.
    private let clients = Mutex<[AddressGuard: HTTPClient]>([:])

    package init(group: any EventLoopGroup) {
        self.group = group
    }

    private func client(_ guarding: AddressGuard) -> HTTPClient {
        clients.withLock { clients in
            if let client = clients[guarding] { return client }
            var configuration = HTTPClient.Configuration.singletonConfiguration
            configuration.timeout.connect = .seconds(10)
            // A refused connection is an answer: a script knows better when to ask again.
            configuration.connectionPool.retryConnectionEstablishment = false
            configuration.http1_1ConnectionDebugInitializer = { guarding.check($0) }
            configuration.http2ConnectionDebugInitializer = { guarding.check($0) }
            let made = HTTPClient(eventLoopGroup: group, configuration: configuration)
            clients[guarding] = made
            return made
        }
    }

    package func execute(
        _ call: HTTPCall, on loop: any EventLoop, completion: @escaping (Result<HTTPAnswer, DeliveryFailure>) -> Void
    ) -> () -> Void {
        let call = call.prepared()
        let request: HTTPClient.Request
        do {
            request = try HTTPClient.Request(
                url: call.url, method: .init(rawValue: call.method),
                headers: .init(call.headers.map { ($0.name, $0.value) }), body: call.body.map { .byteBuffer($0) })
        } catch {
            let failure = call.failure(error)
            loop.assumeIsolated().execute { completion(.failure(failure)) }
            return {}
        }
        let guarding = AddressGuard(allowed: call.allowedAddresses)
        if let refusal = guarding.refusal(host: request.host) {
            let failure = call.failure(refusal)
            loop.assumeIsolated().execute { completion(.failure(failure)) }
            return {}
        }
        let task = client(guarding).execute(
            request: request, delegate: ResponseAccumulator(request: request, maxBodySize: Self.largestBody),
            eventLoop: .delegateAndChannel(on: loop), deadline: .now() + .nanoseconds(Int64(call.timeout * 1e9)))
        var isGivenUp = false
        task.futureResult.hop(to: loop).assumeIsolated().whenComplete { result in
            guard !isGivenUp else { return }
            switch result {
            case .success(let response):
                completion(
                    .success(
                        HTTPAnswer(
                            status: Int(response.status.code),
                            headers: response.headers.map { (name: $0.name, value: $0.value) },
                            body: response.body ?? ByteBuffer())))
            case .failure(let error):
                guard Self.mayBeUnreachable(error) else { return completion(.failure(call.failure(error))) }
                // A name that leads to an address which is refused may well not be reachable.
                guarding.refusal(behind: request.host, on: loop).assumeIsolated().whenComplete { found in
                    if !isGivenUp { completion(.failure(call.failure((try? found.get()) ?? error))) }
                }
            }
        }
        return {
            isGivenUp = true
            task.fail(reason: HTTPClientError.cancelled)
        }
    }

    /// Whether a request may have failed before there was a connection for it.
    private static func mayBeUnreachable(_ error: any Error) -> Bool {
        guard let error = error as? HTTPClientError else { return !(error is AddressGuard.Refusal) }
        return error == .connectTimeout || error == .deadlineExceeded || error == .getConnectionFromPoolTimeout
    }

    package func shutdown() async {
        let made = clients.withLock { clients in
            defer { clients = [:] }
            return clients
        }
        for client in made.values { try? await client.shutdown() }
    }
}
