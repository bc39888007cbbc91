---@meta agenthost

-- Definitions of agenthost's Lua API for editors with the Lua language server. Write them out beside your scripts with
--   agenthost types > agenthost.lua
-- and nothing else: the program brings the functions themselves, and this file is never run.
--
-- Misuse (a wrong type, an unknown field, an unknown constant) raises an error that names the argument. A failure that
-- can be expected (a refused connection, an unknown client) returns nil and a message, so assert(…) composes.

---What agenthost gives a script.
---@class agenthost
---@field null lightuserdata JSON's null, as a value that a table can hold.
---@field version string The version of agenthost, as "1.2.3".
---@field events agenthost.events
---@field models agenthost.models
---@field json agenthost.json
---@field http agenthost.http
---@field store agenthost.store
---@field file agenthost.file
---@field url agenthost.url
---@field base64 agenthost.base64
---@field hmac agenthost.hmac
---@field log agenthost.log
---@field test agenthost.test Only in *_test.lua files, which `agenthost test` runs.
agenthost = {}

--- Declaring an agent ---------------------------------------------------------------------------------------------

---@class agenthost.Endpoint A task over HTTP.
---@field path string Begins with "/"; no spaces, "?" or "#". A segment {name} takes any one segment, {name:path} at the end all that is left; literal segments go before {name}, whatever the order.
---@field task_type string The task that serves it; agent:task registers its handler.
---@field method? "GET"|"POST"|"PUT"|"PATCH"|"DELETE" POST unless named. A GET, and a DELETE without a body, has its query string instead: `query`, if it is there, and every other parameter as one of task.parameters.
---@field description? string
---@field parameters? agenthost.Model Checks the parameters, of the body or of a GET's query; what does not fit is answered with 422. agenthost.model makes it, a function of the script's own is none.
---@field body? "any" The body is any JSON, which the task has as `body` and `raw`, and the answer is the result alone.

---A client gets connection_established first, and subscription_confirmed for each topic of auto_subscribe; then a topic_message
---for each agent:publish, with the value in payload.data. What was published before it does not get: a page asks an endpoint
---for what is there, and listens from then on. The agent_request of a client needs a query that is not empty.
---@class agenthost.WebSocketEndpoint
---@field path string As an endpoint's.
---@field auto_subscribe? string[] Topics that a client is subscribed to when it connects; {name} stands for the path's parameter.
---@field subprotocols? string[] In order of preference: the first that the client offers is agreed on. None is when none is named here.
---@field on_message? fun(client: agenthost.Client, data: string, binary: boolean) Makes the endpoint raw: no envelope, the frames are the script's own protocol.
---@field on_open? fun(client: agenthost.Client) Raw endpoints only.
---@field on_close? fun(client: agenthost.Client, code: integer) Raw endpoints only; the code is RFC 6455's (1005 none, 1006 lost).
---@field description? string

---@class agenthost.StreamingEndpoint Server-Sent Events of a topic.
---@field path string As an endpoint's.
---@field topic string {name} in it stands for the path's parameter. What agent:publish sends to, and the topic of emitted events.
---@field description? string

---Settings by their lower-case name; the environment, mounted secrets and flags go before what is set here. Any other
---setting that `agenthost config` lists may be set too.
---@class agenthost.Config
---@field service_name? string The agent's name unless set.
---@field agent_type? string For example "business-analyst"; the service name up to its first "-" unless set.
---@field implementation_type? "deterministic"|"anthropic"|"openai"
---@field host? string Address of the HTTP server [127.0.0.1].
---@field port? integer Port of the HTTP server [8080]; 0 picks a free one.
---@field log_level? string [INFO]
---@field allowed_origins? string[] Origins of web pages that may connect and write; { "*" } for all.
---@field allow_credentials? boolean Whether pages of allowed_origins may send cookies [false].
---@field allowed_hosts? string[] Names that requests may ask for, beside addresses and localhost.
---@field max_connections? integer Open at one time; what the limit of file descriptors leaves room for unless set.
---@field max_message_bytes? integer The largest HTTP body and WebSocket message [2097152].
---@field max_concurrent_tasks? integer [10]
---@field max_queued_tasks? integer [1024]
---@field max_invocations? integer functions under way in a worker, waiting ones included [10000]
---@field max_timers? integer timers set in a worker [10000]
---@field max_pending_requests? integer HTTP requests under way in a worker [1000]
---@field task_timeout? number Seconds [300].
---@field realtime_platform? string The platform whose mounted secrets configure the transports.
---@field realtime_role? string
---@field websocket_enabled? boolean [true]
---@field streaming_topics? string[] Kafka topics beside those of the handlers; their messages become data_processed events.
---@field streaming_consumer_group? string [<service>-group]
---@field produce_topics? string[] Topics for a role or the script to write to; nothing is limited to them.
---@field kafka_bootstrap_servers? string
---@field kafka_security_protocol? "PLAINTEXT"|"SSL"|"SASL_PLAINTEXT"|"SASL_SSL"
---@field kafka_sasl_mechanism? string
---@field kafka_username? string
---@field kafka_password? string Better from a secret or the environment.
---@field kafka_ssl_ca? string The authorities to trust, a PEM file's path or its text, with SSL or SASL_SSL.
---@field kafka_ssl_cert? string The certificate to show, a PEM file's path or its text.
---@field kafka_ssl_key? string Its key, likewise; better from a secret or the environment.
---@field kafka_ssl_key_password? string What opens the key, where it is encrypted.
---@field kafka_schema_registry_url? string For scripts; the host asks no registry.
---@field kafka_auto_offset_reset? "earliest"|"latest" Where a new consumer group begins [earliest].
---@field kafka_message_max_bytes? integer The largest record that is sent or fetched [1048576].
---@field kafka_compression? "none"|"gzip"|"snappy"|"lz4"|"zstd" [none]
---@field kafka_commit_interval? number Seconds between two commits of offsets [1].
---@field kafka_group_instance_id? string The name under which this instance keeps its partitions over a short restart; "auto": the host's [none].
---@field kafka_assignor? "roundrobin,range"|"range,roundrobin"|"roundrobin"|"range"|"cooperative-sticky" [roundrobin,range]
---@field kafka_session_timeout? number Seconds of silence after which the group takes a member for dead [10].
---@field kafka_allow_auto_create_topics? boolean Whether consuming a topic may create it [true with the embedded broker, else false].
---@field mqtt_host? string
---@field mqtt_port? integer [1883]
---@field mqtt_user? string
---@field mqtt_password? string Better from a secret or the environment.
---@field mqtt_protocol? string [tcp]
---@field mqtt_ca? string The authorities to trust, a PEM file's path or its text, with ssl, tls or mqtts.
---@field mqtt_cert? string The certificate to show, a PEM file's path or its text.
---@field mqtt_key? string Its key, likewise, not encrypted; better from a secret or the environment.
---@field mqtt_client_id? string For one instance; keep it stable: the session belongs to it.
---@field mqtt_shared_group? string Several instances share the MQTT messages as this group.
---@field mqtt_topics? string[] MQTT topic filters beside those of the handlers.
---@field [string] any

---@class agenthost.AgentDeclaration
---@field name? string The script's name without ".lua" unless set; no spaces.
---@field description? string
---@field capabilities? string[] What GET /capabilities lists; the task types unless set.
---@field endpoints? agenthost.Endpoint[]
---@field static? table<string, string> Paths, and the folders beside the script whose files are served below them: { ["/app"] = "public" } serves public/index.html at /app/. Endpoints go before files; names that begin with a dot are not served.
---@field config? agenthost.Config
---@field http? { allow: string[] } Link-local and metadata addresses (169.254.169.254) that agenthost.http may reach.
---@field processor? fun(): any Called once while the script loads; what it returns is agent.processor.

---@class agenthost.RealtimeAgentDeclaration: agenthost.AgentDeclaration
---@field websocket_endpoints? agenthost.WebSocketEndpoint[] Beside /ws and /ws/events, which every realtime agent has.
---@field streaming_endpoints? agenthost.StreamingEndpoint[]

---@class agenthost.SettingDeclaration
---@field env? string The environment variable [the setting's name in capitals].
---@field default? string|number|boolean|string[]
---@field kind? "string"|"number"|"integer"|"boolean"|"list"|"url" What a value has to be [as the default, else "string"]. Another one stops the start.
---@field secret? boolean Its value is shown nowhere, `pairs(agent.config)` included.

---Declares a setting of the script's own: `config = { weather_url = agenthost.setting { env = "WEATHER_URL" } }` makes
---agent.config.weather_url, which `agenthost config` lists.
---@param declaration agenthost.SettingDeclaration
---@return any
function agenthost.setting(declaration) end

---@class agenthost.Answer An HTTP answer; agenthost.answer makes it.
---@field status integer
---@field body any
---@field headers table?

---An HTTP answer of the script's own: `return agenthost.answer(404, { detail = "no such room" })`, from the handler of a
---task, or from deep within it `error(agenthost.answer(…))`, which is no error in the log. What a task that was asked for
---in another way (a WebSocket's agent_request, agent:process) gets is the body; from status 400 on it fails with the
---body's `detail`.
---@param status integer 200 to 599.
---@param body? any A table, a number, a boolean or agenthost.null as JSON, by itself and not as {"result": …}; a string as text/plain, unless the headers name another Content-Type ("text/html; charset=utf-8"); none when left out.
---@param headers? table<string, string|number|string[]>|(string|number)[][] By name, with a list for several of one name, or a list of { name, value }. Content-Length, Connection and Date are the host's.
---@return agenthost.Answer
function agenthost.answer(status, body, headers) end

---Declares an agent that answers tasks over HTTP. One script is one agent.
---@param declaration agenthost.AgentDeclaration
---@return agenthost.Agent
function agenthost.agent(declaration) end

---Declares an agent that also has WebSockets, Server-Sent Events and realtime events.
---@param declaration agenthost.RealtimeAgentDeclaration
---@return agenthost.Agent
function agenthost.realtime_agent(declaration) end

--- The agent ------------------------------------------------------------------------------------------------------

---@class agenthost.Agent
---@field name string
---@field description string
---@field state table Plain data that survives a reload of the script; functions, coroutines and metatables in it stay behind. What the script sets while it loads is the default of a first start.
---@field config agenthost.Config The settings that hold, wherever they came from: nil for one that is not set. A name that is no setting raises.
---@field processor any What the declaration's processor function returned.
local Agent = {}

---@class agenthost.Task
---@field id string UUID.
---@field type string
---@field query string
---@field parameters table {} when the request has none.
---@field context table {} when the request has none.
---@field priority integer 1 to 3.
---@field body? any Of an endpoint whose body is any JSON.
---@field raw? string That body, byte for byte.
---@field path table<string, string> What the parameters of the endpoint's path stand for: task.path.id of "/device/{id}". This and the fields below are of the request that opened the WebSocket for a task that came over one, and empty for one of agent:process.
---@field query_params table<string, string> Of the request's query, the last value of a name.
---@field query_list { [1]: string, [2]: string }[] Names and values of the query, all of them, in order.
---@field headers table<string, string> Of the request, by name in any case; the last value of a name.
---@field header_list { [1]: string, [2]: string }[] Names (in lower case) and values of the headers, all of them, in order.

---@class agenthost.Message
---@field topic string
---@field source "kafka"|"mqtt"
---@field key? string Of a Kafka record.
---@field headers table<string, string> Of a Kafka record, by name, the last one of each; a header without a value is agenthost.null.
---@field header_list string[][] All headers of a Kafka record in order, as { name, value }; names may come more than once.
---@field timestamp integer Milliseconds since 1970: the record's own for Kafka, the arrival for MQTT.
---@field partition? integer Kafka.
---@field offset? integer Kafka.
---@field qos? integer MQTT, 0 to 2.
---@field retain? boolean MQTT.
---@field raw string|lightuserdata The payload's bytes as they came; agenthost.null for a Kafka record without a value (a tombstone). Forwarding them costs less than encoding the data again, and changes nothing.
---@field attempt integer 1 the first time.

---@class agenthost.Event
---@field event_id string UUID.
---@field event_type string
---@field source_service string
---@field source_agent? string
---@field data table
---@field timestamp string ISO 8601, UTC.
---@field correlation_id? string
---@field stream_id? string
---@field priority integer 1 to 3.
---@field topic? string

---A connected WebSocket. It may be kept and used in any later handler.
---@class agenthost.Client
---@field id string UUID.
---@field subprotocol? string What was agreed on, of the endpoint's subprotocols.
---@field path table<string, string> What the parameters of the endpoint's path stand for.
---@field query_params table<string, string> Of the request that opened the WebSocket.
---@field query_list { [1]: string, [2]: string }[]
---@field headers table<string, string> Of that request, by name in any case.
---@field header_list { [1]: string, [2]: string }[]
local Client = {}

---Sends an enveloped message to this client.
---@param message_type string
---@param payload? table
---@return true|nil ok nil when the client is gone.
---@return string? message
function Client:send(message_type, payload) end

---Sends a frame as it is.
---@param data string Valid UTF-8 unless binary.
---@param binary? boolean
---@return true|nil ok nil when the client is gone.
---@return string? message
function Client:send_raw(data, binary) end

---Closes the connection.
---@param code? integer As in RFC 6455: 1000, or 3000 to 4999 for the script's own [1000].
---@param reason? string
---@return true|nil ok nil when the client is gone.
---@return string? message
function Client:close(code, reason) end

---@class agenthost.Timer
local Timer = {}

---The timer does not fire again.
function Timer:cancel() end

---Registers the handler of a task type. What it returns is the task's result, or an agenthost.answer; an error it raises
---fails the task: 500 with the message, whose file and line are in the log (and in the answer while LOG_LEVEL is debug).
---@param task_type string
---@param fn fun(task: agenthost.Task): any
function Agent:task(task_type, fn) end

---@class agenthost.MessageOptions
---@field source? "kafka"|"mqtt" Subscribe on this one only; on whichever is there unless set.
---@field attempts? integer How often a failing message is tried, the first time included [3].
---@field backoff? number Seconds before the second attempt; doubles with each [0.2].
---@field on_error? "dlq"|"skip"|"stop" What follows the last attempt: the dead-letter topic, nothing, or no further messages ["dlq"].
---@field concurrency? integer How many messages of one partition may be in the handler at once; above 1 their order is given up [1].
---@field deliver? "one"|"every" Kafka: each message to one of the hosts of the consumer group, or to every host that runs the agent ["one"].
---@field json? "plain"|"exact" exact: numbers of the payload that Lua cannot hold exactly (12345678901234567890) are strings ["plain"].
---@field decode? boolean false: `data` is the payload's bytes as a string, JSON or not, and agenthost.null for a tombstone [true].

---Subscribes to a topic. MQTT filters with + and # work; where filters overlap, every handler whose filter matches gets
---the message once, in order of registration, tried again for each alone, and it is acknowledged when all are done. The message is acknowledged to its broker when the handler has
---returned and everything it sent was acknowledged itself; until then a crash means that it is delivered again.
---@param topic string
---@param fn fun(data: any, message: agenthost.Message) `data` is the JSON payload, or a string when it is not JSON, or with decode = false.
---@param options? agenthost.MessageOptions
function Agent:on_message(topic, fn, options) end

---Registers a handler for realtime events of a type, "*" for every event.
---@param event_type string One of agenthost.events, or a name of your own.
---@param fn fun(event: agenthost.Event)
function Agent:on_event(event_type, fn) end

---Registers the handler of a WebSocket message type that the host does not answer itself.
---@param message_type string
---@param fn fun(payload: table, client: agenthost.Client)
function Agent:on_websocket(message_type, fn) end

---Runs before this version of the script begins to serve, with the state that it has taken over; messages and requests wait.
---If it raises, or all of them take 30 s, the version before goes on with its own state. What it has sent by then is sent.
---@param fn fun()
function Agent:on_start(fn) end

---Runs when the host stops, or when another version has taken over and the handlers of this one have ended.
---@param fn fun()
function Agent:on_stop(fn) end

---Runs once at a reload, before on_start, with a copy of the state that the version before leaves; what it returns is the
---new state.
---@param fn fun(state: table, old_version: string): table
function Agent:on_upgrade(fn) end

---Runs a function again and again.
---@param seconds number At least 0.001.
---@param fn fun()
---@return agenthost.Timer
function Agent:every(seconds, fn) end

---Runs a function once.
---@param seconds number
---@param fn fun()
---@return agenthost.Timer
function Agent:after(seconds, fn) end

---@class agenthost.EventDeclaration
---@field event_type string One of agenthost.events, or a name of your own.
---@field data? table
---@field topic? string Also to the WebSocket and Server-Sent Events subscribers of this topic.
---@field stream_id? string
---@field correlation_id? string
---@field priority? integer 1 to 3 [1].
---@field source_service? string
---@field source_agent? string

---Emits a realtime event: to this agent's on_event handlers, to the clients of /ws and /ws/events, and to /stream/events.
---@param event agenthost.EventDeclaration
---@return true|nil ok
---@return string? message
function Agent:emit(event) end

---Sends to every WebSocket of the host.
---@param message_type string
---@param payload? table
---@return integer|nil reached How many clients there are.
---@return string? message
function Agent:broadcast(message_type, payload) end

---Sends to the WebSocket and Server-Sent Events subscribers of a topic, as {"topic", "data"}.
---@param topic string
---@param payload any
---@return integer|nil reached How many subscribers there are.
---@return string? message
function Agent:publish(topic, payload) end

---Sends to one WebSocket.
---@param client_id string
---@param message_type string
---@param payload? table
---@return true|nil ok nil when there is no such client.
---@return string? message
function Agent:send_to_client(client_id, message_type, payload) end

---@class agenthost.KafkaOptions
---@field key? string|number Records of one key stay in one partition, so in order.
---@field headers? table<string, string|number>|(string|number)[][] By name, or a list of { name, value }; agenthost.null is a header without a value.
---@field partition? integer

---Sends to a Kafka topic. Returns at once; the message being handled is acknowledged only when Kafka has this one.
---@param topic string
---@param value any A table as JSON, a string as its bytes, agenthost.null as a tombstone.
---@param options? agenthost.KafkaOptions
---@return true|nil ok nil when the record cannot be taken, as without a Kafka, or while too many wait for the broker: then the message being handled is tried again, and a task is answered with 503 unless it answers with agenthost.answer.
---@return string? message
function Agent:send_kafka(topic, value, options) end

---@class agenthost.MQTTOptions
---@field qos? 0|1|2 [1]
---@field retain? boolean [false]

---Publishes to an MQTT topic. Returns at once; the message being handled is acknowledged only when the broker has it.
---@param topic string Without wildcards.
---@param payload any A table as JSON, a string as its bytes, agenthost.null as an empty payload.
---@param options? agenthost.MQTTOptions
---@return true|nil ok
---@return string? message
function Agent:send_mqtt(topic, payload, options) end

---Waits until everything that this handler sent was acknowledged. A message handler need not: the host does it before the
---message is acknowledged.
---@return true|nil ok nil when something was not taken.
---@return string? message
function Agent:flush() end

---Runs one of the agent's own tasks and waits for its result.
---@param task_type string
---@param payload? { query?: string, parameters?: table, context?: table, priority?: integer }
---@return any result nil when the task failed.
---@return string? message
function Agent:process(task_type, payload) end

--- Functions of the host ------------------------------------------------------------------------------------------

---Waits; other handlers go on meanwhile.
---@param seconds number
function agenthost.sleep(seconds) end

---A function that runs beside its handler. It runs whether or not anybody keeps this.
---@class agenthost.Spawned
local Spawned = {}

---Waits until the function has ended, and returns what it returned: nil and a message when it failed. It may have ended
---before, and be waited for again, by several. Waiting for oneself raises. A failure is logged unless somebody waits for it:
---when the handler that has spawned the function ends, and a second later at most.
---@return any ...
function Spawned:wait() end

---Runs a function on its own, beside the handler that calls this; the message that a handler is for is acknowledged when
---the functions which it has spawned have ended too, and fails when one of them fails that nobody has waited for.
---At most 250 arguments.
---@param fn fun(...: any): ...
---@param ... any Its arguments.
---@return agenthost.Spawned handle
function agenthost.spawn(fn, ...) end

---Runs functions beside one another and waits for all: results[i] is the first value that the i-th returned. When one fails,
---nil and its message are returned at once, and the others are ended where they wait, their to-be-closed variables closed;
---what they have sent is sent. So are all of them when the caller is ended, as by a time limit. What the functions send
---belongs to the message that the caller is for.
---@param functions (fun(): any)[]
---@return any[]|nil results
---@return string? message
function agenthost.gather(functions) end

---Seconds since 1970, with milliseconds as a fraction.
---@return number
function agenthost.now() end

---A new random UUID.
---@return string
function agenthost.uuid() end

---Makes a table a JSON array, also when it is empty.
---@generic T
---@param items? T[]
---@return T[] items The same table.
function agenthost.array(items) end

---The secrets of a platform, by setting name (kafka_bootstrap_servers, mqtt_host, …).
---@param platform? string The configured platform unless named.
---@return table<string, string>|nil secrets
---@return string? message
function agenthost.secrets(platform) end

---The SHA-256 of a text.
---@param text string
---@param options? { raw?: boolean } raw: the 32 bytes, not hexadecimal digits.
---@return string
function agenthost.sha256(text, options) end

---The HMAC of a text (RFC 2104), as hexadecimal digits unless `raw` is set: agenthost.hmac(key, text).
---@class agenthost.hmac
---@overload fun(key: string, text: string, algorithm?: "sha256"|"sha1"|"sha384"|"sha512"|{ algorithm?: string, raw?: boolean }): string
agenthost.hmac = {}

---Whether a signature, as hexadecimal digits or as bytes, is the HMAC of the text. Takes the same time wherever they differ;
---false for nil, so that a header that is missing may be given.
---@param key string
---@param text string
---@param signature string?
---@param algorithm? "sha256"|"sha1"|"sha384"|"sha512" ["sha256"]
---@return boolean
function agenthost.hmac.verify(key, text, signature, algorithm) end

---@class agenthost.base64
agenthost.base64 = {}

---@param bytes string
---@param options? { url?: boolean } url: the alphabet for URLs and file names, without padding.
---@return string
function agenthost.base64.encode(bytes, options) end

---Of either alphabet, with or without padding and line breaks.
---@param text string
---@return string|nil bytes nil when it is no base64.
---@return string? message
function agenthost.base64.decode(text) end

---URLs (RFC 3986).
---@class agenthost.url
agenthost.url = {}

---Percent-encodes all but letters, digits and "-._~".
---@param text string
---@return string
function agenthost.url.encode(text) end

---@param text string
---@param options? { form?: boolean } form: "+" is a space, as in the query of a form.
---@return string|nil text nil where a "%" has not two hexadecimal digits behind it.
---@return string? message
function agenthost.url.decode(text, options) end

---The query of parameters, names in the order of their bytes: query { q = "a b", page = 2 } is "page=2&q=a%20b". A list is its
---name several times, agenthost.null nothing.
---@param parameters table<string, string|number|boolean|lightuserdata|(string|number|boolean)[]>
---@return string
function agenthost.url.query(parameters) end

---@class agenthost.URL The parts that are there. Host and scheme are in lower case; user and password are decoded, path and query as they stand.
---@field scheme? string
---@field user? string
---@field password? string
---@field host? string
---@field port? integer nil where the URL names none.
---@field path string
---@field query? string
---@field fragment? string
---@field query_params table<string, string> The query decoded, the last value of a name.
---@field query_list { [1]: string, [2]: string }[] All of it, in order.

---@param url string
---@return agenthost.URL|nil parts nil for what is no URL.
---@return string? message
function agenthost.url.parse(url) end

---@class agenthost.file
agenthost.file = {}

---Reads a file beside the script, of at most 16 MiB. While the script loads too: then the file belongs to the version, and a
---change of it reloads the agent.
---@param path string Relative to the script's folder. No way leads out of it, neither ".." nor a link.
---@return string|nil bytes nil when it is not there or cannot be read.
---@return string? message
function agenthost.file.read(path) end

---Plain data by key that survives the end of the process, kill -9 included: in the state directory (STATE_PATH), a file for
---each agent's name, shared by all workers and by other processes on the machine. Every function waits, for a change until
---it is on the disk; not while the script loads. nil and a message when the disk is full or the file is broken; what was there
---stays. Keys have 1 to 1,024 bytes, values at most 1 MiB; larger ones raise.
---@class agenthost.store
agenthost.store = {}

---@param key string
---@return any value nil when there is none; what was set, with integers and floats, null and arrays as they were.
---@return string? message
function agenthost.store.get(key) end

---@param key string
---@param value any A string of any bytes, or what JSON can hold; nil deletes.
---@return true|nil ok
---@return string? message
function agenthost.store.set(key, value) end

---@param key string
---@return true|nil ok Also when there was none.
---@return string? message
function agenthost.store.delete(key) end

---Adds to a number, or to 0; nothing comes between. add(id) == 1 is true for one caller only, however many there are.
---@param key string
---@param number? number [1]
---@return number|nil sum nil also when the value is no number.
---@return string? message
function agenthost.store.add(key, number) end

---@param prefix? string
---@return string[]|nil keys Those that begin with it, in the order of their bytes.
---@return string? message
function agenthost.store.keys(prefix) end

---@class agenthost.json
agenthost.json = {}

---The members of an object are in the order of their names' bytes. What it takes counts against the handler's time and
---the agent's memory.
---@param value any Raises, with the path of what has no JSON (a cycle, a function, a table with mixed keys).
---@return string
function agenthost.json.encode(value) end

---null is agenthost.null, [] stays an array, integers stay 64-bit integers. Within an object or an array a number whose
---text Lua would write otherwise (6.30, 1e2, 12345678901234567890) keeps it, and is written with it for as long as the
---field holds the same value. Raises when the value does not fit into the agent's memory.
---@param text string
---@param options? { exact?: boolean } exact: numbers that Lua cannot hold exactly (12345678901234567890) are strings; written again in their place they are numbers.
---@return any value nil when the text is not JSON.
---@return string? message With the byte where it goes wrong.
function agenthost.json.decode(text, options) end

---@class agenthost.HTTPOptions
---@field headers? table<string, string|number>|(string|number)[][] By name, or a list of { name, value }.
---@field body? string
---@field json? any Sent as JSON, with its content type.
---@field timeout? number Seconds for the whole exchange [30].

---@class agenthost.HTTPRequest: agenthost.HTTPOptions
---@field url string http:// or https://
---@field method? string [GET]

---@class agenthost.HTTPAnswer
---@field status integer
---@field headers table<string, string> By lower-case name, the last one of each.
---@field header_list string[][] All of them in order, as { name, value } with the name in lower case: several set-cookie, for example.
---@field body string
---@field json? any The body, when it is JSON by its content type.

---Link-local and metadata addresses (169.254.0.0/16, fe80::/10 and those of clouds) are refused, also behind a name or a
---redirect, unless the declaration has them: http = { allow = { "169.254.169.254" } }.
---@class agenthost.http
agenthost.http = {}

---@param request agenthost.HTTPRequest
---@return agenthost.HTTPAnswer|nil answer nil when no answer came; a status such as 500 is an answer.
---@return string? message
function agenthost.http.request(request) end

---@param url string
---@param options? agenthost.HTTPOptions
---@return agenthost.HTTPAnswer|nil answer
---@return string? message
function agenthost.http.get(url, options) end

---@param url string
---@param options? agenthost.HTTPOptions
---@return agenthost.HTTPAnswer|nil answer
---@return string? message
function agenthost.http.post(url, options) end

---print(…) is agenthost.log.info of its arguments, with tabs between them. A table is shown as its __tostring says, else as
---JSON; what JSON cannot hold is a text such as "<function health.lua:12>" or "<cycle>". error { code = 7 } is told so too.
---Fields of a line keep their types: with --log-format json a number is one, and a string a string, whatever it looks like.
---@class agenthost.log
agenthost.log = {}

---@param message any
---@param fields? table<string, any>
function agenthost.log.debug(message, fields) end

---@param message any
---@param fields? table<string, any>
function agenthost.log.info(message, fields) end

---@param message any
---@param fields? table<string, any>
function agenthost.log.warn(message, fields) end

---@param message any
---@param fields? table<string, any>
function agenthost.log.error(message, fields) end

---Types of realtime events. Any other name is a type of your own.
---@class agenthost.events
---@field AGENT_TASK_STARTED "agent_task_started"
---@field AGENT_TASK_COMPLETED "agent_task_completed"
---@field AGENT_TASK_FAILED "agent_task_failed"
---@field DATA_PROCESSED "data_processed"
---@field ALERT_TRIGGERED "alert_triggered"
---@field STATUS_UPDATE "status_update"
---@field SYSTEM_EVENT "system_event"
---@field CUSTOM_EVENT "custom_event"
agenthost.events = {}

--- Models ---------------------------------------------------------------------------------------------------------

---Checks a table: model(data) is a copy with what the model knows and its defaults, or nil and a message that lists what is
---wrong. agenthost.model makes one, agenthost.models has some.
---@class agenthost.Model
---@overload fun(data: table): table|nil, string?

---Makes a model of your own: agenthost.model { name = "string", age = "integer?", tags = "string[]", at = { x = "number" } }
---It knows types, and takes "21.5" where a number is expected. What they do not say is the handler's to check:
---  if p.celsius > 30 then return agenthost.answer(422, { detail = "celsius is 30 at most" }) end
---@param fields table<string, string|table> Types: string, number, integer, boolean, table, timestamp (ISO 8601), any; "string[]" is a list, "map<number>" a table by name, "string|number" one of the two, and "?" at the end optional. A table is a nested model, { { x = "number" } } a list of such; ["at?"] = { … } is optional.
---@return agenthost.Model
function agenthost.model(fields) end

---@class agenthost.RealtimeEventModel
---@field event_id string
---@field event_type string
---@field source_service string
---@field source_agent? string
---@field data table
---@field timestamp string
---@field correlation_id? string
---@field stream_id? string
---@field priority integer

---@class agenthost.HealthData
---@field device_id string
---@field patient_id? string
---@field reading_type string
---@field value number|table<string, number>
---@field unit string
---@field timestamp string
---@field location? { latitude: number, longitude: number }
---@field device_metadata? table

---@class agenthost.KafkaMessage
---@field topic string
---@field key? string
---@field value any
---@field headers? table<string, string>
---@field timestamp string
---@field partition? integer
---@field offset? integer

---@class agenthost.MQTTMessage
---@field topic string
---@field payload any
---@field qos integer
---@field retain boolean
---@field timestamp string
---@field message_id? integer

---@class agenthost.StreamingData
---@field data_id string
---@field data_type "health_data"|"device_data"|"sensor_data"|"agent_communication"|"system_metrics"|"user_interaction"|"business_event"
---@field source string
---@field payload table
---@field timestamp string
---@field schema_version string
---@field metadata? table

---@class agenthost.AgentTask
---@field task_id string
---@field task_type string
---@field payload table
---@field metadata? table
---@field created_at string
---@field priority integer

---@class agenthost.AgentResponse
---@field success boolean
---@field result? any
---@field error? string
---@field metadata? table
---@field processing_time number
---@field created_at string

---@class agenthost.WebSocketMessage
---@field message_id string
---@field message_type string
---@field payload table
---@field timestamp string
---@field correlation_id? string
---@field response_to? string

---Each takes a table and returns the checked value, or nil and a message that lists every wrong field.
---@class agenthost.models
agenthost.models = {}

---@param data table
---@return agenthost.RealtimeEventModel|nil
---@return string? message
function agenthost.models.RealtimeEvent(data) end

---@param data table
---@return agenthost.HealthData|nil
---@return string? message
function agenthost.models.HealthData(data) end

---@param data table
---@return agenthost.KafkaMessage|nil
---@return string? message
function agenthost.models.KafkaMessage(data) end

---@param data table
---@return agenthost.MQTTMessage|nil
---@return string? message
function agenthost.models.MQTTMessage(data) end

---@param data table
---@return agenthost.StreamingData|nil
---@return string? message
function agenthost.models.StreamingData(data) end

---@param data table
---@return agenthost.AgentTask|nil
---@return string? message
function agenthost.models.AgentTask(data) end

---@param data table
---@return agenthost.AgentResponse|nil
---@return string? message
function agenthost.models.AgentResponse(data) end

---@param data table
---@return agenthost.WebSocketMessage|nil
---@return string? message
function agenthost.models.WebSocketMessage(data) end

--- Tests of agents ------------------------------------------------------------------------------------------------

---In a *_test.lua file, test("a sentence", function() … end) is one test. Tests run in order once the file has run; each
---begins with nothing sent, no failure ordered and an empty log, while the hosts of the file, their state and their store go
---on. A test that wants an agent which remembers nothing loads one for itself.
---@class agenthost.test
---@overload fun(name: string, body: fun())
agenthost.test = {}

---Loads an agent without a network: its effects are captured, and its clock moves only by host:advance, and as far as a
---request, task or event needs that waits for an answer. A host that a test loads for itself ends with the test.
---
---A host is one worker: one Lua state with one agent.state. With --workers above 1 each worker has a state of its own, and a
---message, a task or a client belongs to one of them; what all are to know is in agenthost.store, or goes over a topic. Loaded
---twice, an agent is tested as two workers (or two processes) that share nothing but what the test takes from one to the other:
---  local a, b = test.load "agent.lua", test.load "agent.lua"
---  a:message("orders", order)
---  for _, sent in ipairs(a.sent.kafka["totals"]) do b:message("totals", sent.value) end
---@param path string Beside the test file.
---@param options? { env?: table<string, string> } Its environment variables; the process's own are not seen.
---@return agenthost.TestHost
function agenthost.test.load(path, options) end

---Fails the test unless both are equal, tables by what they hold.
---@param actual any
---@param expected any
---@param message? string
function agenthost.test.equal(actual, expected, message) end

---Fails the test unless the function raises an error that matches.
---@param fn fun()
---@param pattern? string A Lua pattern.
---@return string message The error.
function agenthost.test.error(fn, pattern) end

---Fails the test unless the text matches.
---@param text string
---@param pattern string A Lua pattern.
---@param message? string
function agenthost.test.matches(text, pattern, message) end

---What an agent under test has done to the world since the test began; a topic that nothing was sent to is an empty list.
---@class agenthost.TestSent
---@field kafka table<string, { value: any, key?: string, headers: table, partition?: integer, raw: string|lightuserdata, header_list: string[][] }[]> By topic. `raw` (agenthost.null for a tombstone) and `header_list` can be read, and do not count in comparisons.
---@field mqtt table<string, { payload: any, qos: integer, retain: boolean, raw: string }[]> By topic.
---@field events agenthost.Event[]
---@field published table<string, any[]> By topic.
---@field broadcasts { type: string, payload: table }[]
---@field dead_letters { topic: string, error: string, attempts: integer, value: any, key?: string, headers: table }[]
---@field http { method: string, url: string, headers: table, body?: string, json?: any }[] Requests of the agent.

---@class agenthost.TestHost
---@field sent agenthost.TestSent Read anew each time.
---@field state table A copy of agent.state, made anew each time that it is read: changing it changes nothing, `local s = host.state s.n = 1 host.state = s` does. Assigning replaces all that is in it; what is not plain data raises.
---@field store table<string, any> A copy of agenthost.store, by key. It is in memory, one for each host, and stays over host:reload.
---@field log string[] What the agent and its host have logged.
local TestHost = {}

---Delivers a message to the agent. One whose handler fails is tried again once the clock is moved. A topic that the agent does
---not subscribe is an error that names the nearest one.
---@param topic string
---@param data any
---@param fields? { source?: "kafka"|"mqtt", key?: string, headers?: table<string, string>, partition?: integer, offset?: integer, timestamp?: integer, qos?: integer, retain?: boolean }
---@return true|nil acknowledged
---@return string? message Why it is not acknowledged yet.
function TestHost:message(topic, data, fields) end

---Delivers an event to the agent's on_event handlers and its clients. One that nobody hears is an error where a handler of
---nearly that name does.
---@param event agenthost.EventDeclaration
---@return true|nil done
---@return string? message What failed.
function TestHost:event(event) end

---Runs a task; one of no handler is an error that lists those there are.
---@param task_type string
---@param payload? { query?: string, parameters?: table, context?: table, priority?: integer }
---@return any result nil when the task failed.
---@return string? message
function TestHost:task(task_type, payload) end

---Makes an HTTP request of the agent, through the routes of the host.
---@param request { method?: string, path: string, json?: any, body?: string, headers?: table<string, string> }
---@return integer status
---@return any json The body as a string where it is not JSON.
---@return table<string, string> headers By lower-case name.
---@return string[][] header_list
function TestHost:request(request) end

---Connects a WebSocket. What a test opens is closed when the test is over.
---@param path string
---@param options? { headers?: table<string, string>, subprotocols?: string[] }
---@return agenthost.TestClient|nil
---@return string? message How the host refused.
function TestHost:websocket(path, options) end

---Opens a stream of Server-Sent Events.
---@param path string
---@param options? { last_event_id?: string }
---@return agenthost.TestStream|nil
---@return string? message How the host refused.
function TestHost:stream(path, options) end

---Moves the clock and runs the timers that are due.
---@param seconds number
function TestHost:advance(seconds) end

---Makes the next effects of a kind fail.
---@param kind "kafka"|"mqtt"|"http"|"store"
---@param message string
---@param times? integer [1]
function TestHost:fail(kind, message, times) end

---Prepares the answer to the agent's HTTP requests of a URL, for the rest of the test. Others fail: there is no network.
---@param answer { url: string, method?: string, status?: integer, json?: any, body?: string, headers?: table<string, string> }
function TestHost:answer(answer) end

---Loads the script again, as a reload does. After `host.state = {}` it begins as the next process would, with the store alone.
---@param path? string Another file in its place.
---@return string|nil version nil when the version before serves on.
---@return string? message
function TestHost:reload(path) end

---Runs the on_stop functions.
function TestHost:stop() end

---@class agenthost.TestClient
---@field messages table[] What has come and was not received yet.
---@field closed false|{ code: integer, reason: string }
---@field subprotocol? string
local TestClient = {}

---@param message_type string
---@param payload? table
---@return true|nil
---@return string? message
function TestClient:send(message_type, payload) end

---Sends a frame of a raw endpoint.
---@param data string
---@param binary? boolean
---@return true|nil
---@return string? message
function TestClient:send_raw(data, binary) end

---Takes the next message; with a type the first of it, those before it stay. An error when none has come. A frame without an
---envelope is a string.
---@param message_type? string
---@return { message_id: string, message_type: string, payload: table, timestamp: string }
---@return boolean binary
function TestClient:receive(message_type) end

---Closes the WebSocket.
---@param code? integer [1000]
---@param reason? string
function TestClient:close(code, reason) end

---Drops the connection without closing the WebSocket.
function TestClient:disconnect() end

---@class agenthost.TestStream
---@field events { id?: string, event?: string, data: any }[] What has come and was not received yet.
---@field closed boolean
local TestStream = {}

---Takes the next event, of this event_type or event: field if one is named; an error when none has come.
---@param event_type? string
---@return { id?: string, event?: string, data: any }
function TestStream:receive(event_type) end

---Drops the connection.
function TestStream:disconnect() end
