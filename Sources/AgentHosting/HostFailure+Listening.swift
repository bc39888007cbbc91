import Foundation
import NIOCore

extension HostFailure {
    /// Why the host cannot listen, and what to do.
    init(listeningOn host: String, port: Int, _ error: any Error) {
        let address = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        let another = "take another port with --port or PORT (0 for a free one)"
        let reason =
            switch (error as? IOError)?.errnoCode {
            case EADDRINUSE:
                "\(address) is in use by \(PortOwner.of(port)?.description ?? "another program"): end that, or \(another)"
            case EACCES:
                "\(address) may not be listened on: ports below 1024 are the superuser's; \(another)"
            case EADDRNOTAVAIL:
                "\(host) is no address of this machine (--host, HOST): 127.0.0.1 is for this machine alone, 0.0.0.0 for every "
                    + "network that it is in"
            default:
                if error is SocketAddressError.UnknownHost {
                    "no address is known for \"\(host)\" (--host, HOST): an address of this machine expected, as 127.0.0.1, "
                        + "0.0.0.0 or localhost"
                } else {
                    "\(address) cannot be had: \(HostFailure.reason(of: error))"
                }
            }
        self.init(.resource, reason)
    }
}
