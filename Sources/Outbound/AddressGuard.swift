import AgentModel
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Keeps the requests of a script from addresses that trust whoever reaches them (`IPAddress.isLinkLocalOrMetadata`):
/// what a script asks for often comes from a client, who could so read the credentials of the machine.
///
/// It looks at the address that a connection has really been made to, before anything is sent on it: a name may lead to
/// one address when it is looked up and to another when it is connected to, and a redirect may lead anywhere.
struct AddressGuard: Hashable, Sendable {
    struct Refusal: Error, CustomStringConvertible {
        let address: IPAddress

        var description: String {
            "\(address) is a link-local or metadata address; if the agent is to reach it, declare "
                + "http = { allow = { \"\(address)\" } }"
        }
    }

    /// What the script declared.
    let allowed: Set<IPAddress>

    private func refusal(of address: IPAddress) -> Refusal? {
        address.isLinkLocalOrMetadata && !allowed.contains(address) ? Refusal(address: address) : nil
    }

    /// For a host that is an address, in whatever form; nil for one that may be connected to, and for a name.
    func refusal(host: String) -> Refusal? {
        var text = host[...]
        if text.hasPrefix("["), text.hasSuffix("]") { text = text.dropFirst().dropLast() }
        if text.hasSuffix(".") { text = text.dropLast() }
        return IPAddress(asResolved: String(text.prefix { $0 != "%" })).flatMap(refusal)
    }

    /// Fails for a connection to an address that is refused, and closes it.
    func check(_ channel: any Channel) -> EventLoopFuture<Void> {
        guard let address = channel.remoteAddress.flatMap({ IPAddress($0) }), let refusal = refusal(of: address) else {
            return channel.eventLoop.makeSucceededVoidFuture()
        }
        // Later: the client's pool takes the failure first, and a connection that it does not know any more is no news.
        channel.eventLoop.execute { channel.close(promise: nil) }
        return channel.eventLoop.makeFailedFuture(refusal)
    }

    /// Why a connection to a name did not come about: nil when it leads to no refused address. Blocks, off the loop.
    func refusal(behind host: String, on loop: any EventLoop) -> EventLoopFuture<Refusal?> {
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            var first: UnsafeMutablePointer<addrinfo>?
            guard getaddrinfo(host, nil, &hints, &first) == 0, let first else { return nil }
            defer { freeaddrinfo(first) }
            for entry in sequence(first: first, next: { $0.pointee.ai_next }) {
                var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
                let length = entry.pointee.ai_addrlen
                guard
                    getnameinfo(
                        entry.pointee.ai_addr, length, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST) == 0
                else { continue }
                let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                if let refusal = IPAddress(text.prefix { $0 != "%" }).flatMap(self.refusal) { return refusal }
            }
            return nil
        }
    }
}
