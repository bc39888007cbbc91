#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the kernel says of this process's own sockets.
enum SocketOptions {
    /// TCP_NODELAY of each connection that a listener on `port` of this process accepted.
    static func noDelay(ofConnectionsTo port: Int) -> [Bool] {
        // All that a process may have open: tests beside this one have a thousand and more.
        (CInt(3)..<65_536).compactMap { descriptor in
            guard localPort(of: descriptor) == port, option(SOL_SOCKET, SO_ACCEPTCONN, of: descriptor) == 0 else {
                return nil
            }
            return option(CInt(IPPROTO_TCP), TCP_NODELAY, of: descriptor) == 1
        }
    }

    private static func localPort(of descriptor: CInt) -> Int? {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard result == 0, address.sin_family == sa_family_t(AF_INET) else { return nil }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func option(_ level: CInt, _ name: CInt, of descriptor: CInt) -> CInt? {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        return getsockopt(descriptor, level, name, &value, &length) == 0 ? value : nil
    }
}
