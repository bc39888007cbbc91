import NIOCore

/// A record while it is sent. Its bytes are where whoever sends it has them, and may be gone when the call that was given
/// it returns: who needs them longer makes a `Record` of it.
package struct RecordView: ~Copyable {
    package let topic: String
    /// nil: none.
    package let key: UnsafeRawBufferPointer?
    /// nil: none at all, which is not an empty one.
    package let value: UnsafeRawBufferPointer?
    package let headers: [MessageHeader]
    package let options: [Record.Option]

    package init(
        topic: String, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, headers: [MessageHeader],
        options: [Record.Option]
    ) {
        self.topic = topic
        self.key = key
        self.value = value
        self.headers = headers
        self.options = options
    }

    package borrowing func integer(_ name: String) -> Int64? { options.integer(name) }

    package borrowing func flag(_ name: String) -> Bool? { options.flag(name) }
}

extension Record {
    /// With copies of the bytes.
    package init(_ view: borrowing RecordView) {
        self.init(
            topic: view.topic, key: view.key.map { ByteBuffer(bytes: $0) },
            value: view.value.map { ByteBuffer(bytes: $0) }, headers: view.headers, options: view.options)
    }

    package func withView<Result>(_ body: (borrowing RecordView) -> Result) -> Result {
        key.withBytes { key in
            value.withBytes { value in
                body(RecordView(topic: topic, key: key, value: value, headers: headers, options: options))
            }
        }
    }
}

extension ByteBuffer? {
    fileprivate func withBytes<Result>(_ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        guard let self else { return body(nil) }
        return self.withUnsafeReadableBytes(body)
    }
}
