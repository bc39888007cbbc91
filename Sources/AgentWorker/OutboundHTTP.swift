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
            let made = HTTPClient(eventLoopGroup: group, configuration: configuration)
            client = made
            return made
        }
    }

    package func execute(
        _ call: HTTPCall, on loop: any EventLoop, completion: @escaping (Result<HTTPAnswer, DeliveryFailure>) -> Void
    ) -> () -> Void {
        let request: HTTPClient.Request
        do {
            request = try HTTPClient.Request(
                url: call.url, method: .init(rawValue: call.method),
                headers: .init(call.headers.map { ($0.name, $0.value) }), body: call.body.map { .byteBuffer($0) })
        } catch {
            let failure = DeliveryFailure("\(call.method) \(call.url): \(error)")
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
                completion(.failure(DeliveryFailure("\(call.method) \(call.url): \(Self.reason(error))")))
            }
        }
        return {
            isGivenUp = true
            task.fail(reason: HTTPClientError.cancelled)
        }
    }

    private static func reason(_ error: any Error) -> String {
        if let error = error as? HTTPClientError {
            if error == .deadlineExceeded { return "no answer within the time limit" }
            if error == .connectTimeout { return "the connection could not be made in time" }
            return error.shortDescription
        }
        return String(describing: error)
    }

    package func shutdown() async {
        let made = client.withLock { client in
            defer { client = nil }
            return client
        }
        try? await made?.shutdown()
    }
}
