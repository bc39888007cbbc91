import AgentModel
import AgentScript
import LuaRuntime
import NIOCore

/// The place of one agent in a worker: the generation in service, and what waits for it.
final class AgentSlot {
    let index: Int
    let counters: AgentCounters
    var live: LiveGeneration?
    /// Loaded and started, not yet in service.
    var candidate: LiveGeneration?
    /// Replaced versions whose handlers still run.
    var draining: [LiveGeneration] = []
    private(set) var settings: AgentSettings
    private(set) var interface: AgentInterface?

    var runningTasks = 0
    var queuedTasks: [QueuedTask] = []
    var queueHead = 0

    private var routes: [MessageSource: [String: Route]] = [.kafka: [:], .mqtt: [:]]

    /// What the generation in service does with a topic.
    enum Route {
        case handler(HandlerTable.Message)
        /// Subscribed by configuration: its messages become events.
        case event
        case none
    }

    struct QueuedTask {
        var request: TaskRequest
        var received: NIODeadline
        var completion: (TaskOutcome) -> Void
    }

    init(index: Int, counters: AgentCounters) {
        self.index = index
        self.counters = counters
        settings = AgentSettings(serviceName: "")
    }

    var waitingTasks: Int { queuedTasks.count - queueHead }

    func enqueue(_ task: QueuedTask) {
        queuedTasks.append(task)
    }

    func dequeueTask() -> QueuedTask? {
        guard queueHead < queuedTasks.count else { return nil }
        let task = queuedTasks[queueHead]
        queueHead += 1
        if queueHead == queuedTasks.count || queueHead > 512 {
            queuedTasks.removeFirst(queueHead)
            queueHead = 0
        }
        return task
    }

    func serve(_ live: LiveGeneration) {
        self.live = live
        if let declaration = live.generation.declaration {
            settings = declaration.settings
            interface = declaration.interface
        }
        routes = [.kafka: [:], .mqtt: [:]]
    }

    func route(topic: String, source: MessageSource) -> Route {
        if let known = routes[source]?[topic] { return known }
        let route: Route
        if let handler = live?.generation.handlers.message(topic: topic, source: source) {
            route = .handler(handler)
        } else if source == .kafka
            ? settings.streamingTopics.contains(topic)
            : settings.mqttTopics.contains(where: { (try? TopicFilter($0))?.matches(topic) ?? false })
        {
            route = .event
        } else {
            route = .none
        }
        // Topics below an MQTT wildcard can be without number.
        if routes[source, default: [:]].count > 10_000 { routes[source] = [:] }
        routes[source, default: [:]][topic] = route
        return route
    }
}
