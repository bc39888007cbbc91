import Foundation

/// How to reach the platform's PostgreSQL database.
package struct DatabaseSettings: Sendable, Equatable {
    /// The host; nil when only a connection string is configured.
    package let host: String?
    package let port: Int
    package let name: String?
    package let user: String?
    package let password: Secret?
    /// libpq's `sslmode`.
    package let sslMode: String
    /// `DB_CONNECTION_STRING`, when it is set.
    let givenConnectionString: Secret?

    /// The configured connection string, else a URI built from the parts, percent-encoded
    /// (PostgreSQL documentation, section 34.1.1.2). Secret, for it holds the password.
    package var connectionString: Secret {
        if let givenConnectionString { return givenConnectionString }
        var uri = "postgresql://"
        if let user {
            uri += Self.encoded(user)
            if let password { uri += ":" + Self.encoded(password.exposed) }
            uri += "@"
        }
        let host = host ?? ""
        uri += host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        uri += ":\(port)"
        if let name { uri += "/" + Self.encoded(name) }
        return Secret(uri + "?sslmode=" + sslMode)
    }

    /// Everything but RFC 3986's unreserved characters is encoded.
    private static func encoded(_ text: String) -> String {
        let unreserved = CharacterSet(
            charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
        return text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
    }
}
