/// The parameters of a target's query (`application/x-www-form-urlencoded`), in order.
package struct QueryString: Sendable {
    package let parameters: [(name: String, value: String)]

    package init(_ text: String) {
        self.init(text.utf8)
    }

    package init(_ bytes: some Collection<UInt8>) {
        parameters = bytes.split(separator: UInt8(ascii: "&")).map { part in
            let pair = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            return (
                PercentEncoding.formDecoded(pair[0]), pair.count > 1 ? PercentEncoding.formDecoded(pair[1]) : ""
            )
        }
    }

    /// Of several of one name, the last.
    package subscript(name: String) -> String? {
        parameters.last { $0.name == name }?.value
    }
}
