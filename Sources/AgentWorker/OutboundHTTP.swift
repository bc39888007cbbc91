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
    /// Made by the first request: most agents make none.
    private let client = Mutex<HTTPClient?>(nil)

    package init(group: any EventLoopGroup) {
        self.group = group
    }

    private func madeClient() -> HTTPClient {
        client.withLock { client in
            if let client { return client }
            var configuration = HTTPClient.Configuration.singletonConfiguration
            configuration.timeout.connect = .seconds(10)
            // A refused connection is an answer: a script knows better when to ask again.
            configuration.connectionPool.retryConnectionEstablishment = false
            let made = HTTPClient(eventLoopGroup: group, configuration: configuration)
            client = made
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
        let task = madeClient().execute(
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
                completion(.failure(call.failure(error)))
            }
        }
        return {
            isGivenUp = true
            task.fail(reason: HTTPClientError.cancelled)
        }
    }

    package func shutdown() async {
        let made = client.withLock { client in
            defer { client = nil }
            return client
        }
        try? await made?.shutdown()
    }
}
