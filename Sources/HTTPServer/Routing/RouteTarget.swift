/// What answers a request.
enum RouteTarget {
    case root
    case health
    case capabilities
    /// Prometheus' text format.
    case metrics
    case realtimeStatus
    case realtimeConnections
    case broadcast
    /// A message for the topic that is the rest of the path.
    case topicMessage
    /// Server-Sent Events of every event.
    case eventStream
    /// Server-Sent Events of one topic; nil: the rest of the path.
    case topicStream(String?)
    case task(TaskRoute)
}
