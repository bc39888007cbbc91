import AgentModel
import NIOCore

/// A task endpoint, with what its answers have in common.
final class TaskRoute {
    let agent: Int
    let taskType: String
    let path: RoutePath
    /// Between the result and the time: `,"metadata":{"agent_type":…,"implementation":…,"task_type":…,"processing_time":`.
    /// The type is the endpoint's, whatever a body says.
    let metadata: [UInt8]
    /// Between the times: the end of the metadata, and `,"processing_time":`.
    let end: [UInt8]
    /// The body is any JSON, and the answer is the result alone.
    let takesAnyBody: Bool

    init(agent: Int, endpoint: AgentInterface.Endpoint, path: RoutePath, interface: AgentInterface) {
        self.agent = agent
        self.path = path
        taskType = endpoint.taskType
        takesAnyBody = endpoint.takesAnyBody
        // A standard agent does not speak of realtime.
        end = Array((interface.isRealtime ? ",\"realtime_enabled\":true}" : "}").utf8) + ",\"processing_time\":".utf8
        var buffer = ByteBuffer()
        buffer.writeStaticString(",\"metadata\":{\"agent_type\":")
        buffer.writeJSONString(interface.agentType)
        buffer.writeStaticString(",\"implementation\":")
        buffer.writeJSONString(interface.implementation)
        buffer.writeStaticString(",\"task_type\":")
        buffer.writeJSONString(endpoint.taskType)
        buffer.writeStaticString(",\"processing_time\":")
        metadata = Array(buffer.readableBytesView)
    }
}
