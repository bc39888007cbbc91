package import NIOCore

/// Everything that a script does to the world, as a value that passes one point: the effect dispatcher. There it is
/// sent, or captured by a test, counted, and awaited before the message that caused it is acknowledged.
package enum Effect: Sendable {
    case kafka(KafkaRecord)
    case mqtt(MQTTPublication)
    case event(RealtimeEvent)
    /// To the WebSocket and Server-Sent Events subscribers of a topic; `data` is JSON.
    case publish(topic: String, data: ByteBuffer)
    /// To every WebSocket; `payload` is JSON.
    case broadcast(type: String, payload: ByteBuffer)
    /// To one WebSocket client; `payload` is JSON.
    case client(id: String, type: String, payload: ByteBuffer)
    /// A frame of a raw endpoint's own protocol.
    case clientFrame(id: String, data: ByteBuffer, binary: Bool)
    case clientClose(id: String, code: Int, reason: String)
}

/// The dispatcher's immediate answer to an effect.
package enum EffectAnswer: Sendable {
    /// Taken; `reached` is the number of WebSocket and Server-Sent Events receivers where that is what was asked.
    case taken(reached: Int)
    /// Not taken, for a reason that a script can expect: an unknown client, a broker that is not configured.
    case refused(String)
}

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
