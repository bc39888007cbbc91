import AgentModel
import NIOCore

/// The fields of a message that a test may give beside its topic and value.
struct MessageFields {
    /// nil: whichever the agent subscribes the topic on.
    var source: TransportName?
    var key: ByteBuffer?
    var headers: [MessageHeader] = []
    var partition: Int32 = 0
    /// nil: the next of the partition.
    var offset: Int64?
    /// Milliseconds since 1970; nil: now.
    var timestamp: Int64?
    var qos = 1
    var retain = false
}
