import Testing

@testable import KafkaTransport

@Suite struct LibrdkafkaTextTests {
    @Test(
        "what librdkafka says of a failure is put into words for people",
        arguments: [
            (
                "127.0.0.1:9/bootstrap: Connect to ipv4#127.0.0.1:9 failed: Connection refused (after 0ms in state CONNECT)",
                "no connection to 127.0.0.1:9: connection refused"
            ),
            (
                "kafka.invalid:9092/bootstrap: Failed to resolve 'kafka.invalid:9092': Name or service not known (after 2ms in state CONNECT)",
                "no address is known for 'kafka.invalid:9092'"
            ),
            (
                "sasl://b:9092/bootstrap: SASL authentication error (after 3ms in state AUTH_REQ, 2 identical error(s) suppressed)",
                "sasl://b:9092: SASL authentication error"
            ),
            ("1/1 brokers are down", "1/1 brokers are down"), ("", ""),
        ])
    func plain(text: String, expected: String) {
        #expect(LibrdkafkaText.plain(text) == expected)
    }
}
