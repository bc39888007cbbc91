import AgentModel
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOPosix
import NIOSSL

extension HTTPCall {
    /// The call as it goes out: credentials of the URL as Basic authentication (RFC 7617), for which they are meant and
    /// which the client does not make of them, and a User-Agent unless the script gives one.
    func prepared() -> HTTPCall {
        var call = self
        // Only where an @ stands before the path: taking a URL apart and together again may spell it differently.
        if url.prefix(while: { $0 != "?" && $0 != "#" }).contains("@"), var parts = URLComponents(string: url),
            let user = parts.user
        {
            let credentials = Array("\(user):\(parts.password ?? "")".utf8)
            parts.user = nil
            parts.password = nil
            call.url = parts.string ?? url
            if !has("authorization") {
                call.headers.append(("Authorization", "Basic \(credentials.withUnsafeBytes(Base64.text(of:)))"))
            }
        }
        if !has("user-agent") { call.headers.append(("User-Agent", "agenthost/\(AgentHostVersion.text)")) }
        return call
    }

    private func has(_ name: String) -> Bool {
        headers.contains { $0.name.lowercased() == name }
    }

    /// Why it failed, for people. Neither the credentials nor the query of the URL, which may hold a secret too.
    func failure(_ error: any Error) -> DeliveryFailure {
        DeliveryFailure("\(method) \(shownURL): \(reason(error))")
    }

    private var shownURL: String {
        guard var parts = URLComponents(string: url) else { return String(url.prefix { $0 != "?" }) }
        parts.user = nil
        parts.password = nil
        parts.query = nil
        parts.fragment = nil
        return parts.string ?? ""
    }

    /// `example.com:443`, from the URL.
    private var place: String {
        let parts = URLComponents(string: url)
        let port = parts?.port ?? (parts?.scheme?.lowercased() == "https" ? 443 : 80)
        return "\(parts?.host ?? url):\(port)"
    }

    private func reason(_ error: any Error) -> String {
        switch error {
        case let refusal as HTTPExchange.Refusal: refusal.text
        case let error as HTTPClientError: client(error)
        case let error as AddressGuard.Refusal: error.description
        case let error as NIOConnectionError: connection(error)
        case let error as IOError: "\(ErrorText.system(error.errnoCode)) by \(place)"
        case let error as NIOSSLError: tls(error)
        case let error as NIOSSLExtraError:
            error == .failedToValidateHostname || error == .serverHostnameImpossibleToMatch
                ? "the certificate of \(place) is not for this name" : "no TLS connection with \(place)"
        case let error as ResponseAccumulator.ResponseTooBigError:
            "the answer has more than \(error.maxBodySize >> 20) MiB"
        case is ChannelError, is SocketAddressError: ErrorText.of(error)
        // What else a codec may find wrong has a name of its own only.
        default: "the answer of \(place) is not HTTP"
        }
    }

    private func client(_ error: HTTPClientError) -> String {
        switch error {
        case .deadlineExceeded, .readTimeout, .writeTimeout: "no answer within \(Self.seconds(timeout)) s"
        case .connectTimeout, .getConnectionFromPoolTimeout: "no connection to \(place) within the time limit"
        case .tlsHandshakeTimeout: "no TLS connection with \(place) within the time limit"
        case .remoteConnectionClosed: "\(place) closed the connection before it had answered"
        case .invalidURL, .emptyHost, .emptyScheme: "the URL is not valid"
        case .redirectLimitReached: "it redirects too often"
        case .redirectCycleDetected: "it redirects in a circle"
        case .cancelled, .alreadyShutdown: "given up, as the host is stopping"
        case .uncleanShutdown: "\(place) ended the TLS connection in the middle of its answer"
        default: error.shortDescription.lowercased()
        }
    }

    private static func seconds(_ seconds: Double) -> String {
        Int64(exactly: seconds).map(String.init) ?? String(seconds)
    }

    private func connection(_ error: NIOConnectionError) -> String {
        let failures = error.connectionErrors.map(\.error)
        if let failure = failures.first(where: { $0 is IOError }) as? IOError {
            let words = ErrorText.system(failure.errnoCode)
            return failure.errnoCode == ECONNREFUSED || failure.errnoCode == ECONNRESET
                ? "\(words) by \(place)" : "no connection to \(place): \(words)"
        }
        if failures.contains(where: { if case ChannelError.connectTimeout = $0 { true } else { false } }) {
            return "no connection to \(place) within the time limit"
        }
        if error.dnsAError != nil || error.dnsAAAAError != nil { return "no address is known for '\(error.host)'" }
        return "no connection to \(place)"
    }

    private func tls(_ error: NIOSSLError) -> String {
        switch error {
        case .handshakeFailed(let cause):
            // BoringSSL's own words are a code, a file and a line; the names among them say what went wrong.
            let text = "\(cause)"
            let known = [
                ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted"),
                ("CERTIFICATE_EXPIRED", "it calls this side's certificate expired"),
                ("WRONG_VERSION_NUMBER", "it does not speak TLS"), ("HTTP_REQUEST", "it does not speak TLS"),
                ("UNSUPPORTED_PROTOCOL", "it speaks only TLS versions that are too old"),
                ("PROTOCOL_VERSION", "it does not speak this version of TLS"),
                ("HANDSHAKE_FAILURE", "it accepts none of the ciphers"),
            ]
            let reason = known.first { text.contains($0.0) }?.1 ?? "the handshake failed"
            return "no TLS connection with \(place): \(reason)"
        case .uncleanShutdown: return "\(place) ended the TLS connection in the middle of its answer"
        case .unableToValidateCertificate, .noCertificateToValidate:
            return "no TLS connection with \(place): its certificate is not trusted"
        default: return "no TLS connection with \(place)"
        }
    }
}
