package import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A PEM file, for libraries that take nothing but a path.
///
/// A text gets a file that only this process reaches and that ends with it, however it ends: readable by its user alone,
/// without a name from the first moment on, and in memory where the system has `/dev/shm`.
package final class PEMFile: Sendable {
    /// Where a library opens it, as long as this object lives.
    package let path: String
    /// -1: the file is somebody else's.
    private let descriptor: CInt

    /// A file that is there; it is read when a library opens it.
    package init(path: String) {
        self.path = path
        descriptor = -1
    }

    /// - Throws: what the system had against a file for it.
    package init(text: String) throws(IOError) {
        descriptor = try Self.openNameless()
        path = "/proc/self/fd/\(descriptor)"
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest.removeFirst(count)
            } else if errno != EINTR {
                throw IOError(errnoCode: errno, reason: "write")
            }
        }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    private static func openNameless() throws(IOError) -> CInt {
        var failure = ENOENT
        for folder in ["/dev/shm", TemporaryFolder.path] {
            let name = "\(folder)/agenthost-\(String(UInt64.random(in: .min ... .max), radix: 16))"
            let descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            if descriptor >= 0 {
                unlink(name)
                return descriptor
            }
            failure = errno
        }
        throw IOError(errnoCode: failure, reason: "open")
    }
}

/// What a TLS client of a broker trusts, and shows of itself. Nothing of it is ever printed.
package struct TLSFiles: Sendable {
    /// The certificates of the authorities to trust; nil: those of the operating system.
    package var authority: PEMFile?
    /// The client's certificate and those between it and its authority; nil: it shows none.
    package var certificate: PEMFile?
    /// The private key of the certificate, there when that is.
    package var key: PEMFile?
    /// What opens the key, when it is encrypted.
    package var keyPassword: String?

    package init(
        authority: PEMFile? = nil, certificate: PEMFile? = nil, key: PEMFile? = nil, keyPassword: String? = nil
    ) {
        self.authority = authority
        self.certificate = certificate
        self.key = key
        self.keyPassword = keyPassword
    }
}

extension TLSFiles: CustomStringConvertible, CustomReflectable {
    package var description: String { "TLSFiles" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
