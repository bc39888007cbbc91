import AgentModel
import HTTP1
import NIOCore

/// Which hosts a request may ask for (RFC 9110 section 7.4).
///
/// A page elsewhere can have its own name lead to this machine and then read what answers there, as it is the same
/// origin for a browser ("DNS rebinding"). So a server on loopback answers to no name but `localhost` and those allowed;
/// an address is fine, since nobody can make it lead elsewhere.
struct HostPolicy {
    private let allowsAll: Bool
    private let names: Set<Substring>
    /// With the dot at their begin.
    private let domains: [String]
    /// As it was sent: nearly every request asks for the same.
    private var lastAdmitted: [UInt8] = []

    /// - Parameter names: host names, `*.domain` for every name below one, `*` for all. Without any, a server that is
    ///   not on loopback answers to all.
    init(_ names: [String], isLoopback: Bool) {
        let names = names.map { $0.lowercased() }
        allowsAll = names.contains("*") || names.isEmpty && !isLoopback
        self.names = Set(names.map { $0[...] } + ["localhost"])
        domains = names.filter { $0.hasPrefix("*.") }.map { String($0.dropFirst()) }
    }

    /// Whether what a request asks for may be answered; a client that names no host is no browser.
    mutating func admits(_ head: RequestHead) -> Bool {
        if allowsAll { return true }
        guard let range = head.authority else { return true }
        return head.bytes.withUnsafeReadableBytes { bytes in
            let asked = UnsafeRawBufferPointer(rebasing: bytes[range])
            if !asked.isEmpty, asked.elementsEqual(lastAdmitted) { return true }
            guard let authority = Authority(String(decoding: asked, as: UTF8.self)), admits(authority) else {
                return false
            }
            lastAdmitted = Array(asked)
            return true
        }
    }

    private func admits(_ authority: Authority) -> Bool {
        authority.address != nil || names.contains(authority.name)
            || domains.contains { authority.name.hasSuffix($0) && authority.name.utf8.count > $0.utf8.count }
    }
}
