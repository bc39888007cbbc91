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
            (
                "ssl://b:9093/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker certificate could not be verified, verify that ssl.ca.location is correctly configured (after 5ms in state SSL_HANDSHAKE)",
                "the certificate of b:9093 is not trusted, or is for another name: certificate verify failed; KAFKA_SSL_CA has the authorities to trust"
            ),
            (
                "sasl_ssl://b:9093/1: Receive failed: error:0A00045C:SSL routines::tlsv13 alert certificate required: SSL alert number 116 (after 6ms in state APIVERSION_QUERY)",
                "b:9093 asks for a client certificate: set KAFKA_SSL_CERT and KAFKA_SSL_KEY"
            ),
            (
                "ssl://[::1]:9093/1: Receive failed: error:0A000418:SSL routines::tlsv1 alert unknown ca: SSL alert number 48",
                "[::1]:9093 does not accept the client certificate of KAFKA_SSL_CERT: unknown ca"
            ),
            ("1/1 brokers are down", "1/1 brokers are down"), ("", ""),
        ])
    func plain(text: String, expected: String) {
        #expect(LibrdkafkaText.plain(text) == expected)
    }
}
