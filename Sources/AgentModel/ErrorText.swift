import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What an error of a library says, for people: libraries name their own types and functions.
package enum ErrorText {
    package static func of(_ error: any Error) -> String {
        switch error {
        case let error as IOError: system(error.errnoCode)
        case let error as SocketAddressError: address(error)
        case let error as SocketAddressError.UnknownHost: "no address is known for '\(error.host)'"
        case let error as ChannelError: channel(error)
        case is EventLoopError: "the host is stopping"
        case let error as any CustomStringConvertible: error.description
        default: "an unexpected failure"
        }
    }

    /// The system's words for an error number.
    package static func system(_ number: CInt) -> String {
        switch number {
        case ECONNREFUSED: "connection refused"
        case ECONNRESET: "connection reset"
        case EADDRINUSE: "the address is in use"
        case EADDRNOTAVAIL: "the address is not one of this machine's"
        case EACCES: "permission denied"
        case EMFILE, ENFILE: "no file descriptor is left"
        default: String(cString: strerror(number)).lowercased()
        }
    }

    private static func address(_ error: SocketAddressError) -> String {
        switch error {
        case .unknown(let host, _): "no address is known for '\(host)'"
        case .unixDomainSocketPathTooLong: "the path of the socket is too long"
        case .failedToParseIPString(let text): "'\(text)' is no IP address"
        case .unsupported: "the address is of a kind that is not supported"
        }
    }

    private static func channel(_ error: ChannelError) -> String {
        switch error {
        case .connectTimeout: "the connection could not be made in time"
        case .ioOnClosedChannel, .alreadyClosed, .inputClosed, .outputClosed, .eof: "the connection was closed"
        default: "the connection failed"
        }
    }
}
