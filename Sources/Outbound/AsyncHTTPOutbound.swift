package import AgentModel
import AsyncHTTPClient
package import NIOCore
import Synchronization

/// `OutboundHTTP` over AsyncHTTPClient: keep-alive, TLS.
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
            // Each place is checked before it is asked; HTTPExchange follows.
            configuration.redirectConfiguration = .disallow
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
        let guarding = AddressGuard(allowed: call.allowedAddresses)
        let exchange = HTTPExchange(
            call, through: client(guarding), guarding, largestBody: Self.largestBody, on: loop, completion)
        exchange.begin()
        return { exchange.giveUp() }
    }

    /// Closes the connections. False: not all of them within the limit, as one that is still being made cannot be closed
    /// before it is there or has failed, and whoever does not answer lets that take as long as connecting may.
    package func shutdown(within limit: Duration) async -> Bool {
        let made = clients.withLock { clients in
            defer { clients = [:] }
            return clients
        }
        return await within(limit) {
            for client in made.values { try? await client.shutdown() }
        }
    }
}
