/// Modules that scripts know from elsewhere and that cannot be brought along, as they need C or the system, with what an
/// agent has instead. Only asked when no file of the name is there.
enum ForeignModule {
    static let files =
        "an agent reaches no files or processes: agenthost.file.read reads a file beside the script, agenthost.store keeps "
        + "data"
    private static let json = "use agenthost.json.encode and agenthost.json.decode"
    private static let http = "use agenthost.http.get, agenthost.http.post or agenthost.http.request"
    private static let network =
        "an agent opens no sockets: agenthost.http makes requests, agent:send_kafka and agent:send_mqtt send messages"
    private static let data = "agent.state survives a reload, agenthost.store the end of the process"
    private static let digests = "use agenthost.sha256, agenthost.hmac and agenthost.base64"
    private static let brokers = "use agent:on_message, agent:send_kafka and agent:send_mqtt"
    private static let waits = "what waits looks synchronous here; agenthost.spawn(fn) goes on beside"
    private static let time = "use agenthost.now(), os.time() and os.date()"
    private static let log = "use agenthost.log.info(message, fields)"
    private static let tests = "tests are run by `agenthost test`: local test = agenthost.test"

    private static let byName: [String: String] = [
        "cjson": json, "cjson.safe": json, "dkjson": json, "json": json, "lunajson": json, "rapidjson": json,
        "rxi-json": json,
        "http": http, "http.request": http, "requests": http, "lua-requests": http, "socket.http": http,
        "ssl.https": http,
        "httpc": http, "httpx": http, "aiohttp": http, "cURL": http, "lcurl": http, "copas.http": http,
        "socket.url": "use agenthost.url", "socket": network, "ssl": network, "socket.core": network,
        "websocket": network,
        "mime": digests, "md5": digests, "sha1": digests, "sha2": digests, "base64": digests, "basexx": digests,
        "openssl": digests, "crypto": digests, "luaossl": digests, "hashlib": digests,
        "lfs": files, "posix": files, "path": files, "pl.path": files, "pl.file": files, "pl.dir": files,
        "subprocess": files,
        "sys": files, "luv": waits, "uv": waits, "copas": waits, "cqueues": waits, "asyncio": waits, "threading": waits,
        "lanes": waits, "effil": waits, "luasql": data, "lsqlite3": data, "sqlite3": data, "pgmoon": data,
        "redis": data,
        "mqtt": brokers, "mosquitto": brokers, "rdkafka": brokers, "kafka": brokers, "paho": brokers,
        "logging": log, "time": time, "datetime": time, "date": time, "luaunit": tests, "busted": tests,
        "pytest": tests,
        "ffi": "an agent calls no C", "jit": "an agent runs on Lua 5.4, without LuaJIT's own libraries",
    ]
    private static let byFamily: [(prefix: String, instead: String)] = [
        ("resty.http", http),
        ("resty.", "an agent has agenthost.http, agenthost.json, agenthost.log and agenthost.store"),
        ("ngx", "an agent has agenthost.http, agenthost.json, agenthost.log and agenthost.store"),
        ("socket.", network), ("ssl.", network), ("posix.", files), ("luasql.", data), ("openssl.", digests),
        ("cqueues.", waits), ("copas.", waits), ("logging.", log), ("http.", http),
        ("jit.", "an agent runs on Lua 5.4"),
    ]

    static func instead(of module: String) -> String? {
        byName[module] ?? byFamily.first { module.hasPrefix($0.prefix) }?.instead
    }
}
