import AgentModel
import Foundation

extension Setting {
    /// What a setting's value has to look like.
    package enum Kind: Sendable, Equatable {
        /// Any text.
        case text
        /// A whole number in a range.
        case integer(ClosedRange<Int64>)
        /// Any number.
        case number
        /// A positive number of seconds, at most the bound; none at all where it may be zero.
        case seconds(atMost: Double, orZero: Bool = false)
        /// True or false, in the spellings people use in environment files.
        case boolean
        /// One of several words, matched without regard to case and kept as spelled here; `aliases` are further
        /// spellings (in upper case) of them.
        case choice([String], aliases: [String: String] = [:])
        /// A list, comma-separated in text.
        case list
        /// A list of browser origins (RFC 6454, section 6.2), or `*`.
        case origins
        /// A list of host names, `*.domain` for every name below one, or `*`.
        case hostNames
        /// A URL with one of the schemes.
        case url([String])
        /// A host name or address, without a scheme, a port or a path.
        case host
        /// Comma-separated `host:port` pairs, as Kafka's `bootstrap.servers`.
        case brokers
        /// A name that can be part of a Kubernetes object's name and of a directory's name.
        case objectName
        /// The path of a PEM file, or its text; looked at when a transport needs it.
        case pem(PEMContents)

        /// What a PEM file is to hold.
        package enum PEMContents: Sendable {
            case certificates, privateKey
        }

        /// A network port, 0 meaning any free one.
        static let port = Kind.integer(0...65535)
        /// The port of another service.
        static let servicePort = Kind.integer(1...65535)

        /// What was expected, as the end of the sentence "expected …".
        package var expectation: String {
            switch self {
            case .text: "text"
            case .integer(.min ... .max): "a whole number"
            case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
            case .number: "a number"
            case .seconds(let bound, orZero: false): "a number of seconds, more than 0 and at most \(Int(bound))"
            case .seconds(let bound, orZero: true): "a number of seconds from 0 to \(Int(bound))"
            case .boolean: "true or false"
            case .choice(let words, _): "one of \(words.joined(separator: ", "))"
            case .list: "a list of names separated by commas"
            case .origins:
                "origins such as https://app.example.com separated by commas, or *; scheme, name and port, without a "
                    + "path, a * within the name, or null, which any page can send"
            case .hostNames: "host names such as app.example.com or *.example.com separated by commas, or *"
            case .url(let schemes): "a URL that begins with \(schemes.map { $0 + "://" }.joined(separator: " or "))"
            case .host: "a host name or address, without scheme, port or path"
            case .brokers: "host:port, or several separated by commas"
            case .objectName: "a name of letters, digits, \"-\", \"_\" and \".\""
            case .pem(.certificates): "the path of a PEM file with certificates, or the PEM text itself"
            case .pem(.privateKey): "the path of a PEM file with a private key, or the PEM text itself"
            }
        }

        /// The value that `text` spells, nil when it is of the wrong kind.
        func parse(_ text: String) -> SettingValue? {
            let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
            return switch self {
            case .text, .pem: .string(text)
            case .integer(let range): Int64(trimmed).flatMap { range.contains($0) ? .integer($0) : nil }
            case .number: Self.number(trimmed)
            case .seconds: seconds(trimmed)
            case .boolean: Self.boolean(trimmed)
            case .choice(let words, let aliases): Self.choice(trimmed, words, aliases)
            case .list: .list(Self.items(trimmed))
            case .origins: Self.origins(Self.items(trimmed))
            case .hostNames: Self.hostNames(Self.items(trimmed))
            case .url(let schemes): Self.isURL(trimmed, schemes) ? .string(trimmed) : nil
            case .host: Self.isHost(trimmed) ? .string(trimmed) : nil
            case .brokers: Self.brokers(Self.items(trimmed))
            case .objectName: Self.isObjectName(trimmed) ? .string(trimmed) : nil
            }
        }

        /// The value a script gave, converted to this kind; nil when it is of the wrong kind.
        package func accept(_ value: SettingValue) -> SettingValue? {
            switch (self, value) {
            case (_, .string(let text)):
                return parse(text)
            case (.boolean, .boolean):
                return value
            case (.integer(let range), .integer(let number)):
                return range.contains(number) ? value : nil
            case (.integer(let range), .number(let number)):
                guard let whole = Int64(exactly: number) else { return nil }
                return range.contains(whole) ? .integer(whole) : nil
            case (.number, .integer):
                return value
            case (.number, .number(let number)):
                return number.isFinite ? value : nil
            case (.seconds(let bound, let orZero), .integer(let number)):
                return (number > 0 || orZero && number == 0) && Double(number) <= bound ? value : nil
            case (.seconds(let bound, let orZero), .number(let number)):
                return (number > 0 || orZero && number == 0) && number <= bound ? value : nil
            case (.list, .list(let items)):
                return .list(Self.unique(items))
            case (.origins, .list(let items)):
                return Self.origins(items)
            case (.hostNames, .list(let items)):
                return Self.hostNames(items)
            case (.brokers, .list(let items)):
                return Self.brokers(items)
            default:
                return nil
            }
        }
    }
}

extension Setting.Kind {
    /// The items of a comma list, trimmed, without empty ones and repetitions, in their order.
    static func items(_ text: String) -> [String] {
        unique(text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) })
    }

    private static func unique(_ items: [String]) -> [String] {
        var seen: Set<String> = []
        return items.filter { !$0.isEmpty && seen.insert($0).inserted }
    }

    /// "30", "0.5", "30 s".
    private func seconds(_ text: String) -> SettingValue? {
        let digits = text.hasSuffix("s") ? text.dropLast().trimmingCharacters(in: .whitespaces) : text
        return Self.number(String(digits)).flatMap { accept($0) }
    }

    /// A whole number stays one.
    private static func number(_ text: String) -> SettingValue? {
        if let whole = Int64(text) { return .integer(whole) }
        return Double(text).flatMap { $0.isFinite ? .number($0) : nil }
    }

    private static func boolean(_ text: String) -> SettingValue? {
        switch text.lowercased() {
        case "true", "yes", "on", "1": .boolean(true)
        case "false", "no", "off", "0": .boolean(false)
        default: nil
        }
    }

    private static func choice(
        _ text: String, _ words: [String], _ aliases: [String: String]
    ) -> SettingValue? {
        let spelled = text.uppercased()
        if let word = words.first(where: { $0.uppercased() == spelled }) { return .string(word) }
        return aliases[spelled].map { .string($0) }
    }

    /// Browsers send an origin in lower case, without a path and without the scheme's own port, so what is written
    /// otherwise would silently never match: it is normalized, and what no browser can send is refused.
    private static func origins(_ items: [String]) -> SettingValue? {
        var origins: [String] = []
        for item in items {
            guard let origin = item == "*" ? item : WebOrigin(item)?.description else { return nil }
            origins.append(origin)
        }
        return .list(unique(origins))
    }

    private static func hostNames(_ items: [String]) -> SettingValue? {
        var names: [String] = []
        for item in items {
            if item == "*" {
                names.append(item)
                continue
            }
            let domain = item.hasPrefix("*.")
            guard let name = Authority(domain ? item.dropFirst(2) : item[...]), name.port == nil, !name.name.isEmpty
            else { return nil }
            names.append((domain ? "*." : "") + name.name)
        }
        return .list(unique(names))
    }

    private static func isURL(_ text: String, _ schemes: [String]) -> Bool {
        guard !text.contains(where: \.isWhitespace), let parts = URLComponents(string: text),
            let scheme = parts.scheme?.lowercased(), schemes.contains(scheme), let host = parts.host
        else { return false }
        return !host.isEmpty
    }

    private static func isHost(_ text: String) -> Bool {
        guard !text.isEmpty, !text.contains("/"), !text.contains("@"), !text.contains(","),
            !text.contains(where: \.isWhitespace)
        else { return false }
        // One colon separates a port; more than one belong to an IPv6 address.
        return text.filter { $0 == ":" }.count != 1
    }

    private static func brokers(_ items: [String]) -> SettingValue? {
        guard !items.isEmpty, items.allSatisfy(isBroker) else { return nil }
        return .string(items.joined(separator: ","))
    }

    private static let securityProtocols: Set = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]

    /// librdkafka accepts `[protocol://]host[:port]`, the address of an IPv6 host in brackets.
    private static func isBroker(_ item: String) -> Bool {
        let scheme = item.range(of: "://")
        guard scheme.map({ securityProtocols.contains(item[..<$0.lowerBound].lowercased()) }) ?? true else {
            return false
        }
        let address = scheme.map { item[$0.upperBound...] } ?? item[...]
        guard !address.contains("/"), !address.contains("@"), !address.contains(where: \.isWhitespace) else {
            return false
        }
        let afterBrackets = address.lastIndex(of: "]").map { address[address.index(after: $0)...] } ?? address
        guard let colon = afterBrackets.lastIndex(of: ":") else { return !address.isEmpty }
        guard let port = Int(afterBrackets[afterBrackets.index(after: colon)...]) else { return false }
        return (1...65535).contains(port) && colon != address.startIndex
    }

    static func isObjectName(_ text: String) -> Bool {
        guard let first = text.utf8.first, first != UInt8(ascii: "."), text.utf8.count <= 253 else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default:
                false
            }
        }
    }
}
