internal import AgentModel
internal import CRdkafka

extension [MessageHeader] {
    /// The headers of a `rd_kafka_headers_t`, copied.
    init(librdkafka list: OpaquePointer) {
        self.init()
        reserveCapacity(rd_kafka_header_cnt(list))
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while rd_kafka_header_get_all(list, count, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR, let name {
            let bytes = value.map { [UInt8](UnsafeRawBufferPointer(start: $0, count: size)) }
            append(MessageHeader(name: String(cString: name), value: bytes))
        }
    }

    /// A new `rd_kafka_headers_t`, owned by the caller.
    func makeLibrdkafkaHeaders() -> OpaquePointer? {
        guard let list = rd_kafka_headers_new(count) else { return nil }
        for header in self {
            guard let value = header.value else {
                rd_kafka_header_add(list, header.name, -1, nil, 0)
                continue
            }
            value.withUnsafeBytes { bytes in
                // An empty value needs an address to differ from none.
                Swift.withUnsafeBytes(of: 0 as UInt8) { empty in
                    _ = rd_kafka_header_add(list, header.name, -1, bytes.baseAddress ?? empty.baseAddress, bytes.count)
                }
            }
        }
        return list
    }
}
