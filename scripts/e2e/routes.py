"""Contract section 3: every HTTP route, its statuses and its error bodies."""

import json
import threading

from support import Host, case, command, equal, line_of, run, scripts_folder, until

AGENT = """
local agent = agenthost.realtime_agent {
  name = "wire-agent",
  description = "For the wire",
  capabilities = { "echoing", "failing" },
  endpoints = {
    { path = "/echo", task_type = "echo" },
    { path = "/fail", task_type = "fail" },
    { path = "/strict", task_type = "strict", parameters = agenthost.model { systolic = "number" } },
    { path = "/put", task_type = "echo", method = "PUT" },
  },
  websocket_endpoints = { { path = "/ws/health", auto_subscribe = { "alerts" } } },
  streaming_endpoints = { { path = "/stream/alerts", topic = "alerts" } },
}
agent:task("echo", function(task)
  return { query = task.query, parameters = task.parameters, context = task.context, priority = task.priority, type = task.type }
end)
agent:task("fail", function(task)
  error("out of coffee") -- HERE
end)
agent:task("strict", function(task) return task.parameters.systolic end)
"""

STANDARD = """
local agent = agenthost.agent { name = "plain-service", endpoints = { { path = "/plain", task_type = "plain" } } }
agent:task("plain", function(task) return "plain " .. task.query end)
"""

SLOW = """
local agent = agenthost.realtime_agent { name = "slow", endpoints = { { path = "/slow", task_type = "slow" } } }
agent:task("slow", function(task)
  agenthost.sleep(task.parameters.seconds)
  return "done"
end)
"""

RESULT_FIELDS = {"result", "metadata", "processing_time"}
METADATA_FIELDS = {"agent_type", "implementation", "task_type", "processing_time", "realtime_enabled"}


PATHS = """
local function about(of)
  return { path = of.path, query = of.query_params, trace = of.headers["x-trace"], list = of.header_list }
end
local agent = agenthost.realtime_agent {
  name = "paths",
  endpoints = {
    { path = "/device/{id}", task_type = "about", method = "GET" },
    { path = "/device/{id}", task_type = "about", method = "DELETE" },
    { path = "/device/{id}/command", task_type = "about" },
    { path = "/files/{name:path}", task_type = "about", method = "PUT" },
    { path = "/publish", task_type = "publish" },
  },
  websocket_endpoints = {
    { path = "/ws/device/{id}", auto_subscribe = { "device/{id}" }, subprotocols = { "v2.json", "v1.json" } },
    { path = "/raw/{id}", subprotocols = { "raw" },
      on_open = function(client) client:send_raw("hello " .. client.path.id .. " " .. tostring(client.subprotocol)) end,
      on_message = function(client, data) client:send_raw(client.headers[data] or "none") end,
      on_close = function(client) agent_left(client.path.id .. client.query_params.a) end },
  },
  streaming_endpoints = { { path = "/live/{id}", topic = "device/{id}" } },
}
function agent_left(who) agent.state.left = who end
agent:task("about", about)
agent:task("publish", function(task)
  return { reached = agent:publish(task.parameters.topic, { n = 1 }), left = agent.state.left }
end)
agent:on_websocket("about", function(_, client) client:send("about", about(client)) end)
"""


@case("parameters of paths, query strings and headers reach tasks, streams and WebSockets")
def paths():
    with Host(PATHS) as host:
        answer = host.request("GET", "/device/a%2Fb%20%C3%A9?x=1&x=2&y=%zz", headers={"X-Trace": "t1"})
        result = answer.json["result"]
        equal((result["path"], result["query"], result["trace"]), ({"id": "a/b é"}, {"x": "2", "y": "%zz"}, "t1"))
        assert ["x-trace", "t1"] in result["list"], result
        equal(host.request("DELETE", "/device/7").json["result"]["path"], {"id": "7"})
        equal(host.post("/device/7/command", {"query": "on"}).json["result"]["path"], {"id": "7"})
        equal(host.request("PUT", "/files/a/b%20c//d", {"query": ""}).json["result"]["path"], {"name": "a/b c//d"})
        equal(host.get("/device/%ff").status, 400)
        equal(host.get("/device/").status, 404)
        equal(host.get("/device/7/").status, 307)
        equal(host.post("/device/7", {"query": ""}).headers["allow"], "GET, HEAD, DELETE, OPTIONS")
        with host.stream("/live/7") as stream, host.websocket("/ws/device/7?a=1", subprotocols=["v0", "v1.json"]) as client:
            stream.response.readline()
            equal(client.connection.subprotocol, "v1.json")
            equal(client.receive("subscription_confirmed")["payload"], {"topic": "device/7", "subscriber_count": 2})
            client.send("about", {})
            payload = client.receive("about")["payload"]
            equal((payload["path"], payload["query"]), ({"id": "7"}, {"a": "1"}))
            equal(host.task("/publish", {"topic": "device/7"})["reached"], 2)
            equal(client.receive("topic_message")["payload"]["data"], {"n": 1})
            equal(stream.next()["data"]["data"], {"n": 1})
        with host.websocket("/raw/9?a=1", additional_headers={"X-Key": "k"}) as client:
            equal(client.connection.recv(timeout=10), "hello 9 nil")
            client.connection.send("X-KEY")
            equal(client.connection.recv(timeout=10), "k")
        until(lambda: host.task("/publish", {"topic": "x"}).get("left") == "91", "on_close knew whose it was")


@case("paths of one shape are an error where they are declared, within an agent and between two")
def clashes():
    one = "\nagenthost.agent { name = 'one', endpoints = { { path = '/a/{x}', task_type = 't' }%s } }:task('t', print)"
    with scripts_folder({"one.lua": one % "", "two.lua": "\n" + (one % "").replace("'one'", "'two'").replace("{x}", "{y}"),
                         "twice.lua": one % ", { path = '/a/{z}', task_type = 't' }",
                         "kind.lua": one.replace("{x}", "{x:int}") % ""}) as folder:
        for files, words in ((["twice.lua"], "twice.lua:2: endpoints[2]: POST /a/{z} is declared twice, as /a/{x}"),
                             (["kind.lua"], "kind.lua:2: endpoints[1]: the path \"/a/{x:int}\" has the parameter {x:int}"),
                             (["one.lua", "two.lua"],
                              "two.lua:3: agent two: POST /a/{y} is already served by one.lua:2: agent one as /a/{x}")):
            done = command("check", *files, folder=folder)
            equal(done.returncode, 1, done.stderr)
            assert words in done.stderr, f"{words} in {done.stderr}"


@case("a task is answered with its result and its metadata")
def task():
    with Host(AGENT) as host:
        answer = host.post("/echo", {"query": "hi", "parameters": {"a": 1}, "context": {"b": 2}, "priority": 3})
        equal(answer.status, 200)
        assert answer.headers["content-type"].startswith("application/json"), answer.headers
        body = answer.json
        equal(set(body), RESULT_FIELDS)
        equal(body["result"], {"query": "hi", "parameters": {"a": 1}, "context": {"b": 2}, "priority": 3, "type": "echo"})
        equal(set(body["metadata"]), METADATA_FIELDS)
        equal(body["metadata"]["agent_type"], "wire")
        equal(body["metadata"]["implementation"], "deterministic")
        equal(body["metadata"]["task_type"], "echo")
        equal(body["metadata"]["realtime_enabled"], True)
        assert isinstance(body["processing_time"], (int, float)) and 0 <= body["processing_time"] < 5
        equal(host.request("PUT", "/put", {"query": "x"}).json["result"]["query"], "x")
        body = host.post("/echo", {"query": "x", "task_type": "fail"}).json
        equal((body["metadata"]["task_type"], body["result"]["type"]), ("echo", "echo"), "the endpoint's, not the body's")


@case("a standard agent has its two fields, and no realtime route")
def standard():
    with Host(STANDARD) as host:
        body = host.post("/plain", {"query": "x"}).json
        equal(body["result"], "plain x")
        equal(set(body["metadata"]), METADATA_FIELDS - {"realtime_enabled"})
        equal(host.get("/").json, {"service": "plain-service", "status": "running"})
        equal(host.get("/health").json["realtime_enabled"], False)
        for path in ("/realtime/status", "/realtime/connections", "/stream/events", "/stream/topic/x", "/ws"):
            equal(host.get(path).status, 404, path)


@case("what is wrong with a body is said as FastAPI says it")
def validation():
    with Host(AGENT) as host:
        answer = host.post("/echo", {})
        equal(answer.status, 422)
        equal(answer.json, {
            "detail": [{"type": "missing", "loc": ["body", "query"], "msg": "Field required", "input": {}}]})

        def detail(body, status=422):
            answer = host.post("/echo", body)
            equal(answer.status, status, f"{body} was answered {answer.body!r}")
            return answer.json["detail"]

        [issue] = detail({"query": 5})
        equal((issue["type"], issue["loc"], issue["input"]), ("string_type", ["body", "query"], 5))
        [issue] = detail({"query": "x", "parameters": []})
        equal((issue["type"], issue["loc"]), ("dict_type", ["body", "parameters"]))
        [issue] = detail({"query": "x", "context": "no"})
        equal((issue["type"], issue["loc"]), ("dict_type", ["body", "context"]))
        for priority in (0, 4, -1, "high", 1.5):
            [issue] = detail({"query": "x", "priority": priority})
            equal(issue["loc"], ["body", "priority"], f"priority {priority}")
        for priority in (1, 2, 3, None):
            equal(host.post("/echo", {"query": "x", "priority": priority}).status, 200, f"priority {priority}")
        equal(len(detail({"query": 5, "parameters": 5, "priority": 9})), 3, "every issue is listed")
        equal(detail([])[0]["loc"], ["body"])
        equal(detail("text")[0]["loc"], ["body"])


@case("a body that is not JSON is 422 with the position, and one that is not UTF-8 is 400")
def broken_bodies():
    with Host(AGENT) as host:
        def send(data, content_type="application/json"):
            return host.post("/echo", data=data, headers={"Content-Type": content_type} if content_type else {})

        answer = send(b"{bad json")
        equal(answer.status, 422)
        [issue] = answer.json["detail"]
        equal((issue["type"], issue["loc"]), ("json_invalid", ["body", 1]))
        for data in (b'{"query": "x"', b'{"query": "x"} trailing', b"nul", b'{"query": "\x01"}', b"[" * 1000):
            answer = send(data)
            equal(answer.status, 422, repr(data))
            [issue] = answer.json["detail"]
            equal(issue["type"], "json_invalid", repr(data))
            equal((issue["loc"][0], type(issue["loc"][1])), ("body", int), repr(data))
        answer = send(b"")
        equal(answer.status, 422)
        equal(answer.json["detail"][0]["loc"], ["body"])
        for data in (b'{"query": "\xff"}', b'{"query": "\xed\xa0\x80"}', b'{"query": "\xc0\xaf"}'):
            answer = send(data)
            equal(answer.status, 400, repr(data))
            assert "detail" in answer.json
        answer = send(b"query=x", "text/plain")
        equal(answer.status, 415)
        assert "detail" in answer.json
        equal(send(b'{"query": "x"}', "application/vnd.agent+json").status, 200)
        equal(send(b'{"query": "x"}', "application/json; charset=utf-8").status, 200)


@case("values keep their JSON identity through Lua")
def identity():
    with Host(AGENT) as host:
        parameters = {
            "null": None, "empty": [], "nothing": {}, "big": 9007199254740993, "min": -9223372036854775808,
            "float": 1.5, "text": "żółw 🐢 \u0000 \"\\", "nested": [[], [None], {"a": [1, 2]}], "yes": True, "no": False,
        }
        equal(host.task("/echo", parameters)["parameters"], parameters)
        answer = host.post("/echo", data=b'{"query": "", "parameters": {"n": 9223372036854775807, "f": 1.0}}',
                           headers={"Content-Type": "application/json"})
        assert b"9223372036854775807" in answer.body, answer
        assert b'"f":1.0' in answer.body.replace(b" ", b""), answer


@case("an endpoint's model checks the parameters")
def parameters():
    with Host(AGENT) as host:
        equal(host.task("/strict", {"systolic": 120}), 120)
        answer = host.post("/strict", {"query": "", "parameters": {}})
        equal(answer.status, 422)
        [issue] = answer.json["detail"]
        equal((issue["type"], issue["loc"]), ("missing", ["body", "parameters", "systolic"]))
        answer = host.post("/strict", {"query": "", "parameters": {"systolic": "high"}})
        equal((answer.status, answer.json["detail"][0]["loc"]), (422, ["body", "parameters", "systolic"]))


@case("a handler that fails is 500, with the line of the script in the log, and at debug in the answer too")
def failing():
    line = f"agent.lua:{line_of(AGENT, 'HERE')}: out of coffee"
    for level, detail in ((None, "out of coffee"), ("debug", line)):
        with Host(AGENT, environment={"LOG_LEVEL": level} if level else {}) as host:
            answer = host.post("/fail", {"query": ""})
            equal((answer.status, answer.json), (500, {"detail": f"Agent processing failed: {detail}"}))
            assert line in host.output(), host.output()
            equal(host.health()["error_count"], 1)


@case("an unknown path is 404, a wrong method 405, and both say so as FastAPI does")
def unknown():
    with Host(AGENT) as host:
        for method in ("GET", "POST", "DELETE"):
            answer = host.request(method, "/nowhere")
            equal((answer.status, answer.json), (404, {"detail": "Not Found"}))
        for method, path, allowed in (("GET", "/echo", "POST"), ("DELETE", "/health", "GET"), ("POST", "/put", "PUT"),
                                      ("GET", "/realtime/broadcast", "POST"), ("POST", "/stream/events", "GET")):
            answer = host.request(method, path)
            equal((answer.status, answer.json), (405, {"detail": "Method Not Allowed"}), f"{method} {path}")
            assert allowed in answer.headers["allow"], answer.headers


@case("HEAD answers wherever GET does, and OPTIONS lists what is allowed")
def head_and_options():
    with Host(AGENT) as host:
        for path in ("/", "/health", "/capabilities", "/realtime/status", "/realtime/connections"):
            get, head = host.get(path), host.request("HEAD", path)
            equal((head.status, head.body), (get.status, b""), path)
            equal(head.headers["content-type"], get.headers["content-type"], path)
        equal(host.request("HEAD", "/echo").status, 405)
        for path, allowed in (("/echo", {"POST"}), ("/health", {"GET", "HEAD"}), ("/realtime/broadcast", {"POST"})):
            answer = host.request("OPTIONS", path)
            assert answer.status in (200, 204), answer
            assert allowed <= {name.strip() for name in answer.headers["allow"].split(",")}, (path, answer.headers)
        equal(host.request("OPTIONS", "/nowhere").status, 404)


@case("the status routes have the fields of the contract")
def status():
    with Host(AGENT, environment={"REALTIME_PLATFORM": "ward"}) as host:
        equal(host.get("/").json, {
            "service": "wire-agent", "status": "running", "type": "realtime", "realtime_enabled": True,
            "websocket_enabled": True, "platform": "ward"})
        health = host.get("/health")
        equal(health.status, 200)
        equal(set(health.json), {
            "status", "service", "realtime_enabled", "websocket_enabled", "connections", "message_count",
            "error_count", "script"})
        equal((health.json["status"], health.json["connections"]), ("healthy", 0))
        script = health.json["script"]
        equal(set(script), {"version", "generation", "loaded_at", "reload_error"})
        equal((len(script["version"]), script["generation"], script["reload_error"]), (12, 1, None))
        assert script["loaded_at"].endswith("Z"), script
        equal(host.get("/capabilities").json, {
            "capabilities": ["echoing", "failing"], "supported_task_types": ["echo", "fail", "strict"],
            "agent_type": "wire", "implementation": "deterministic"})
        body = host.get("/realtime/status").json
        equal(set(body), {
            "agent_type", "implementation_type", "service_name", "realtime_enabled", "websocket_enabled",
            "connections", "active_streams", "message_count", "error_count", "last_activity"})
        equal((body["service_name"], body["connections"], body["active_streams"]), ("wire-agent", [], []))
        body = host.get("/realtime/connections").json
        equal(set(body), {
            "total_connections", "total_topics", "total_subscriptions", "total_messages", "topics",
            "connection_details"})
        equal((body["total_connections"], body["topics"], body["connection_details"]), (0, {}, []))


@case("broadcast and topic reach the clients, and count them")
def sending():
    with Host(AGENT) as host:
        equal(host.post("/realtime/broadcast", {"a": 1}).json, {"status": "broadcasted", "connections": 0})
        equal(host.post("/realtime/topic/alerts", {"a": 1}).json, {"status": "sent", "topic": "alerts", "subscribers": 0})
        with host.websocket("/ws/health") as client:
            client.receive("subscription_confirmed")
            equal(host.post("/realtime/broadcast", {"a": 1}).json, {"status": "broadcasted", "connections": 1})
            equal(client.next()["payload"], {"a": 1})
            answer = host.post("/realtime/topic/alerts", {"a": 2})
            equal(answer.json, {"status": "sent", "topic": "alerts", "subscribers": 1})
            message = client.next()
            equal((message["message_type"], message["payload"]), ("topic_message", {"topic": "alerts", "data": {"a": 2}}))
            body = host.get("/realtime/connections").json
            equal((body["total_connections"], body["topics"]), (1, {"alerts": 1}))
            [details] = body["connection_details"]
            equal(set(details), {"client_id", "connected_at", "message_count", "subscriptions"})
            equal(details["subscriptions"], ["alerts"])
            equal(host.health()["connections"], 1)
        until(lambda: host.health()["connections"] == 0, "the closed connection is gone")


@case("a topic in a path is the rest of it, percent-decoded")
def topic_path():
    with Host(AGENT) as host:
        answer = host.post("/realtime/topic/ward%2F3/bed%20four/%C5%BC", {})
        equal(answer.json["topic"], "ward/3/bed four/ż")
        for body in ([1], "text", 5, None):
            for path in ("/realtime/broadcast", "/realtime/topic/x"):
                answer = host.post(path, body)
                equal(answer.status, 422, f"{path} with {body}")
                equal(answer.json["detail"][0]["loc"], ["body"])
        equal(host.post("/realtime/broadcast", data=b"{bad", headers={"Content-Type": "application/json"}).status, 422)


@case("what is too large is refused: a body with 413, a head with 431")
def too_large():
    with Host(AGENT) as host:
        with host.raw() as connection:
            connection.send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                            b"Content-Length: 3145728\r\n\r\n" + b"x" * 65536)
            answer = connection.response()
            equal(answer.status, 413)
            assert "detail" in answer.json
        with host.raw() as connection:
            connection.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"y" * 70000 + b"\r\n\r\n")
            answer = connection.response()
            equal(answer.status, 431)
            assert "detail" in answer.json
        with host.raw() as connection:
            connection.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X-Many: 1\r\n" * 200 + b"\r\n")
            equal(connection.response().status, 431)
        equal(host.get("/health").status, 200)


@case("malformed HTTP is 400, and the connection closes")
def malformed():
    with Host(AGENT) as host:
        for data in (
            b"NONSENSE\r\n\r\n",
            b"GET /health HTTP/1.1\r\nHost: localhost\r\nBad Header: y\r\n\r\n",
            b"GET /health HTTP/1.1\r\n\r\n",
            b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: five\r\n\r\n",
            b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        ):
            with host.raw() as connection:
                connection.send(data)
                answer = connection.response()
                equal(answer.status, 400, repr(data))
                assert "detail" in answer.json
                assert connection.is_closed(), data


@case("a connection serves many requests, pipelined ones in order")
def keep_alive():
    with Host(AGENT) as host:
        def post(number):
            body = json.dumps({"query": str(number)}).encode()
            return (b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                    % len(body)) + body

        with host.raw() as connection:
            connection.send(b"".join(post(number) for number in range(50)))
            for number in range(50):
                equal(connection.response().json["result"]["query"], str(number))
            connection.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            equal(connection.response().status, 200)
            assert connection.is_closed()
        with host.raw() as connection:
            connection.send(b"GET /health HTTP/1.0\r\n\r\n")
            equal(connection.response().status, 200)
            assert connection.is_closed()
        with host.raw() as connection:
            connection.send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                            b"Transfer-Encoding: chunked\r\n\r\n7\r\n{\"query\r\n8\r\n\": \"ch\"}\r\n0\r\n\r\n")
            equal(connection.response().json["result"]["query"], "ch")


@case("a task past its time is 504, and a full queue 503 with Retry-After")
def limits():
    with Host(SLOW, environment={"TASK_TIMEOUT": "0.3"}) as host:
        answer = host.post("/slow", {"query": "", "parameters": {"seconds": 30}})
        equal(answer.status, 504)
        assert "detail" in answer.json
    with Host(SLOW, environment={"MAX_CONCURRENT_TASKS": "1", "MAX_QUEUED_TASKS": "1"}) as host:
        answers = []
        body = {"query": "", "parameters": {"seconds": 0.5}}
        threads = [threading.Thread(target=lambda: answers.append(host.post("/slow", body))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(sorted(answer.status for answer in answers), [200, 200, 503, 503])
        refused = next(answer for answer in answers if answer.status == 503)
        assert int(refused.headers["retry-after"]) >= 1, refused.headers
        assert "detail" in refused.json


@case("CORS is answered for the origins allowed")
def cors():
    with Host(AGENT, environment={"ALLOWED_ORIGINS": "https://ward.example"}) as host:
        answer = host.get("/health", headers={"Origin": "https://ward.example"})
        equal(answer.headers["access-control-allow-origin"], "https://ward.example")
        answer = host.get("/health", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in answer.headers, answer.headers
        answer = host.request("OPTIONS", "/echo", headers={
            "Origin": "https://ward.example", "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type"})
        equal(answer.status, 200)
        assert "POST" in answer.headers["access-control-allow-methods"], answer.headers
        assert "content-type" in answer.headers["access-control-allow-headers"].lower(), answer.headers
    with Host(AGENT, environment={"ALLOWED_ORIGINS": "*"}) as host:
        answer = host.get("/health", headers={"Origin": "https://any.example"})
        assert answer.headers["access-control-allow-origin"] in ("*", "https://any.example"), answer.headers


@case("several agents share a host: endpoints merged, the first at the top, all under agents")
def several():
    other = STANDARD.replace("plain-service", "second-service")
    with Host({"a.lua": AGENT, "b.lua": other}) as host:
        equal(host.post("/plain", {"query": "x"}).json["result"], "plain x")
        equal(host.post("/echo", {"query": "x"}).json["result"]["query"], "x")
        health = host.health()
        equal(health["service"], "wire-agent")
        equal(set(health["agents"]), {"wire-agent", "second-service"})
        body = host.get("/capabilities").json
        equal(body["supported_task_types"], ["echo", "fail", "strict"])
        equal(body["agents"]["second-service"]["supported_task_types"], ["plain"])
        equal(set(host.get("/realtime/status").json["agents"]), {"wire-agent", "second-service"})


@case("endpoints of two agents that clash end the start with both names")
def clash():
    other = STANDARD.replace("plain-service", "second-service")
    with scripts_folder({"a.lua": STANDARD, "b.lua": other}) as folder:
        done = command("run", "a.lua", "b.lua", "--port", "0", "--no-embedded", folder=folder)
        equal(done.returncode, 1, done.stderr)
        assert "/plain" in done.stderr, done.stderr


run()
