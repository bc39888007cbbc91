/// The parameters of a target's query (`application/x-www-form-urlencoded`), in order.
struct QueryString {
    let parameters: [(name: String, value: String)]

    init(_ text: String) {
        parameters = text.utf8.split(separator: UInt8(ascii: "&")).compactMap { part in
            let pair = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.decoded(pair[0], plusIsSpace: true),
                let value = pair.count > 1 ? PercentEncoding.decoded(pair[1], plusIsSpace: true) : ""
            else { return nil }
            return (name, value)
        }
    }

    subscript(name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }
}
