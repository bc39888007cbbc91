package import NIOCore

/// An HTTP request that a script makes.
package struct HTTPCall: Sendable {
    package var method: String
    package var url: String
    package var headers: [(name: String, value: String)]
    package var body: ByteBuffer?
    /// Seconds for the whole exchange.
    package var timeout: Double
    /// Link-local and metadata addresses that the script declared; it is not let to any other.
    package var allowedAddresses: Set<IPAddress> = []

    package init(
        method: String, url: String, headers: [(name: String, value: String)], body: ByteBuffer?, timeout: Double
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
    }

    /// Whether a text can name a header: a token of RFC 9110, section 5.6.2.
    package static func isFieldName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}

// Its URL, its fields and its body may hold secrets.
extension HTTPCall: CustomStringConvertible, CustomReflectable {
    package var description: String { "HTTPCall(\(method))" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// What came back.
package struct HTTPAnswer: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: ByteBuffer

    package init(status: Int, headers: [(name: String, value: String)], body: ByteBuffer) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Makes the HTTP requests of scripts.
package protocol OutboundHTTP: AnyObject, Sendable {
    /// Completes on a later turn of the loop; the closure returned gives the request up, and then nothing completes.
    func execute(
        _ call: HTTPCall, on loop: any EventLoop, completion: @escaping (Result<HTTPAnswer, DeliveryFailure>) -> Void
    ) -> () -> Void
}
