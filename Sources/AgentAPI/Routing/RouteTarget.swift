import AgentModel
import Realtime

/// What answers a request.
enum RouteTarget {
    case root
    case health
    case capabilities
    /// Prometheus' text format.
    case metrics
    case probe(Probe)
    case realtimeStatus
    case realtimeConnections
    case broadcast
    /// A message for the topic that the path's parameter is.
    case topicMessage(RoutePath)
    /// Server-Sent Events of every event.
    case eventStream
    /// Server-Sent Events of one topic, in which `{name}` stands for a parameter of the path.
    case topicStream(RoutePath, topic: String)
    case task(TaskRoute)
    /// Files of a folder: what the path's parameter is, or where it has none the folder itself.
    case files(FileMount)
}
