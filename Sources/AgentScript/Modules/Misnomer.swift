/// Names by which people who know other frameworks look for what is called otherwise here, with what to write.
enum Misnomer {
    /// Of an agent's methods.
    static func ofMethod(_ name: String) -> String? { methods[name] }

    /// Of the fields of `agenthost`.
    static func ofModule(_ name: String) -> String? {
        if agentMethods.contains(name) { return "it is a method of the agent: agent:\(name)(…)" }
        return modules[name]
    }

    /// Of the fields of a task. Other fields that it has not are nil.
    static func ofTask(_ name: String) -> String? { taskFields[name] }

    private static let taskFields = [
        "params": "it is task.parameters", "args": "it is task.parameters", "arguments": "it is task.parameters",
        "payload": "it is task.parameters", "task_type": "it is task.type", "task_id": "it is task.id",
        "path_params": "it is task.path", "query_parameters": "it is task.query_params",
        "json": "it is task.parameters, or task.body of an endpoint with body = \"any\"",
        "request": "of its request a task has path, query_params and headers",
    ]
    /// Of the fields of an agent's declaration.
    static func ofAgentField(_ name: String) -> String? {
        if settings.contains(name) { return "it is a setting: config = { \(name) = … }" }
        return agentFields[name]
    }

    private static let settings: Set<String> = [
        "port", "host", "service_name", "agent_type", "implementation_type", "log_level", "task_timeout",
        "allowed_origins",
        "kafka_bootstrap_servers", "mqtt_host", "mqtt_port", "mqtt_topics", "streaming_topics", "realtime_platform",
        "websocket_enabled", "max_concurrent_tasks", "max_queued_tasks",
    ]
    private static let agentFields = [
        "websocket_endpoints": "agenthost.realtime_agent has it",
        "streaming_endpoints": "agenthost.realtime_agent has it",
        "routes": endpoint, "paths": endpoint, "topics": subscription, "subscriptions": subscription,
        "on_message": subscription, "tasks": "tasks are answered by agent:task(type, fn)",
        "handlers": "tasks are answered by agent:task(type, fn), messages by agent:on_message(topic, fn)",
        "title": "it is name", "type": "it is config = { agent_type = … }", "settings": "it is config",
        "websockets": "it is websocket_endpoints, of agenthost.realtime_agent",
        "streams": "it is streaming_endpoints, of agenthost.realtime_agent", "on_start": "it is agent:on_start(fn)",
        "on_stop": "it is agent:on_stop(fn)", "timers": "it is agent:every(seconds, fn)",
    ]

    /// Of the fields of an endpoint.
    static func ofEndpointField(_ name: String) -> String? { endpointFields[name] }

    private static let handler = "the endpoint's task_type is answered by agent:task(task_type, fn)"
    private static let endpointFields = [
        "task": "it is task_type", "type": "it is task_type", "url": "it is path", "route": "it is path",
        "handler": handler, "fn": handler, "func": handler, "callback": handler, "verb": "it is method",
        "params": "it is parameters", "model": "it is parameters", "request_model": "it is parameters",
        "summary": "it is description",
    ]

    /// Of the fields of a WebSocket endpoint.
    static func ofWebSocketField(_ name: String) -> String? { webSocketFields[name] }

    private static let webSocketFields = [
        "topics": "it is auto_subscribe", "subscribe": "it is auto_subscribe", "topic": "it is auto_subscribe",
        "handler": "messages are handled by agent:on_websocket(type, fn), frames by on_message", "url": "it is path",
        "on_connect": "it is on_open, beside on_message", "on_disconnect": "it is on_close, beside on_message",
    ]

    /// Of the options of `agent:on_message`.
    static func ofMessageOption(_ name: String) -> String? { messageOptions[name] }

    private static let messageOptions = [
        "retries": "it is attempts, the first one included", "retry": "it is attempts, the first one included",
        "max_attempts": "it is attempts", "delay": "it is backoff, in seconds", "broker": "it is source",
        "transport": "it is source", "dlq": "it is on_error = \"dlq\", which holds unless another is given",
        "group": "the consumer group is a setting: config = { streaming_consumer_group = … }",
        "group_id": "the consumer group is a setting: config = { streaming_consumer_group = … }",
        "qos": "subscriptions are QoS 1", "parallel": "it is concurrency", "workers": "it is concurrency",
        "raw": "it is decode = false", "binary": "it is decode = false", "bytes": "it is decode = false",
        "parse": "it is decode", "deserialize": "it is decode",
    ]

    /// Of the types in a model.
    static func ofType(_ name: String) -> String? { types[name] }

    private static let types = [
        "int": "it is integer", "float": "it is number", "double": "it is number", "str": "it is string",
        "text": "it is string", "bool": "it is boolean", "list": "a list is written string[]",
        "array": "a list is written string[]", "dict": "it is table, or map<string>",
        "object": "it is table, or map<string>",
        "datetime": "it is timestamp", "date": "it is timestamp", "Any": "it is any",
    ]

    /// Of what other libraries' models check besides types, by its name or by the mark that it begins with in a text.
    static func ofModelRule(_ name: String) -> String? { modelRules[name] }

    private static let range =
        "a model knows types alone; the handler checks a range, and returns agenthost.answer(422, { detail = … })"
    private static let modelDefault =
        "a field with a default is optional, \"number?\", and the handler has the default: or 1"
    private static let modelRules = [
        "min": range, "max": range, "minimum": range, "maximum": range, "min_length": range, "max_length": range,
        "ge": range, "gt": range, "le": range, "lt": range, "(": range, ">": range, "<": range,
        "default": modelDefault, "=": modelDefault, "required": "a field is required unless its type ends with ?",
    ]

    private static let agentMethods: Set<String> = [
        "task", "on_message", "on_event", "on_websocket", "on_start", "on_stop", "on_upgrade", "emit", "publish",
        "broadcast", "send_kafka", "send_mqtt", "send_to_client", "process", "flush", "every", "after",
    ]

    private static let endpoint =
        "an endpoint is declared with the agent, endpoints = { { path = \"/path\", task_type = \"task\" } }, and "
        + "answered by agent:task(\"task\", fn)"
    private static let subscription = "messages are handled by agent:on_message(topic, fn)"
    private static let life = "the host runs the agent: agenthost run FILE.lua"

    private static let middleware =
        "there is none: the setting ALLOWED_ORIGINS lets pages of other origins in, --access-log logs requests"

    private static let methods: [String: String] = [
        "middleware": middleware, "add_middleware": middleware, "use": middleware,
        "include_router": "agents run together, agenthost run A.lua B.lua; parts of one are loaded by require",
        "mount": "files are served by static = { [\"/app\"] = \"folder\" } in the declaration",
        "add_task": "use agenthost.spawn(fn)", "background": "use agenthost.spawn(fn)",
        "exception_handler": "an error is answered 500; agenthost.answer(status, body) answers otherwise",
        "get": endpoint, "post": endpoint, "put": endpoint, "patch": endpoint, "delete": endpoint, "route": endpoint,
        "endpoint": endpoint, "add_api_route": endpoint, "on_request": endpoint, "on_task": endpoint,
        "websocket": "a WebSocket is declared with the agent, websocket_endpoints = { { path = \"/ws/name\" } }",
        "subscribe": subscription, "consume": subscription, "on_kafka": subscription, "on_mqtt": subscription,
        "register_message_handler": subscription,
        "register_event_handler": "events are handled by agent:on_event(type, fn)",
        "send": "agent:send_kafka and agent:send_mqtt send to brokers, agent:publish and agent:broadcast to clients",
        "send_kafka_message": "it is agent:send_kafka(topic, value)",
        "send_mqtt_message": "it is agent:send_mqtt(topic, payload)", "produce": "it is agent:send_kafka(topic, value)",
        "process_task": "it is agent:process(task_type, payload)", "emit_event": "it is agent:emit { … }",
        "send_to_topic": "it is agent:publish(topic, value)", "initialize": "it is agent:on_start(fn)",
        "on_startup": "it is agent:on_start(fn)", "cleanup": "it is agent:on_stop(fn)",
        "on_shutdown": "it is agent:on_stop(fn)", "schedule": "it is agent:every(seconds, fn)",
        "interval": "it is agent:every(seconds, fn)", "timer": "it is agent:every(seconds, fn)",
        "run": life, "start": life, "listen": life, "serve": life, "log": "use agenthost.log.info(message)",
        "sleep": "use agenthost.sleep(seconds)", "spawn": "use agenthost.spawn(fn)", "http": "use agenthost.http",
        "tasks": "a task is registered by agent:task(type, fn)",
    ]

    private static let answer =
        "an answer of the handler's own is agenthost.answer(status, body, headers), returned or raised by error(…)"
    private static let declaration = "an agent is declared by agenthost.agent { … } or agenthost.realtime_agent { … }"

    private static let modules: [String: String] = [
        "app": declaration, "create_app": declaration, "create_agent_app": declaration, "Agent": declaration,
        "new": declaration, "response": answer, "Response": answer, "json_response": answer, "JSONResponse": answer,
        "HTTPException": answer, "abort": answer, "html": answer, "redirect": answer, "respond": answer,
        "reply": answer, "BaseModel": "it is agenthost.model { name = \"string\", age = \"integer?\" }",
        "test": "it is there in a file of tests, which `agenthost test FILE` runs",
        "run": life, "start": life, "serve": life, "env": setting, "getenv": setting, "environ": setting,
        "config": "the settings are agent.config", "state": "what survives a reload is in agent.state",
        "exit": "an agent cannot end its host; error(message) ends the handler",
        "time": "use agenthost.now()", "wait": "use agenthost.sleep(seconds)",
        "kafka": "use agent:on_message and agent:send_kafka", "mqtt": "use agent:on_message and agent:send_mqtt",
        "websocket": "use agent:on_websocket, agent:broadcast and agent:publish",
        "timer": "use agent:every(seconds, fn)", "print": "use print, or agenthost.log.info(message)",
    ]
    private static let setting =
        "a script reads its own settings: config = { name = agenthost.setting { env = \"NAME\" } } makes agent.config.name"
}
