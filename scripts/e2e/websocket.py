"""Contract section 4: every wire case of the WebSocket, against the `websockets` library."""

import datetime
import json
import signal
import socket
import uuid

from support import Host, case, equal, line_of, run, until
from websockets.exceptions import InvalidStatus

AGENT = """
local agent = agenthost.realtime_agent {
  name = "wire-agent",
  endpoints = { { path = "/echo", task_type = "echo" } },
  websocket_endpoints = {
    { path = "/ws/health", auto_subscribe = { "health_events", "alerts" } },
    { path = "/ws/quiet" },
    { path = "/device",
      on_open = function(client) client:send_raw("hello") end,
      on_message = function(client, data, binary)
        if data == "bye" then client:close(4001, "as asked") else client:send_raw(data, binary) end
      end,
      on_close = function(client, code) agent_closed(code) end },
  },
}
agent.state.codes = {}
function agent_closed(code) table.insert(agent.state.codes, code) end
agent:task("echo", function(task)
  if task.query == "fail" then error("as asked") end -- HERE
  if task.query == "codes" then return agenthost.array(agent.state.codes) end
  if task.query == "emit" then agent:emit(task.parameters) end
  if task.query == "publish" then return agent:publish(task.parameters.topic, task.parameters.data) end
  if task.query == "broadcast" then return agent:broadcast("news", task.parameters) end
  if task.query == "to" then
    local ok, message = agent:send_to_client(task.parameters.id, "direct", { a = 1 })
    return { ok = ok, message = message }
  end
  if task.query == "flood" then
    for i = 1, 8 do agent:publish("flood", { data = ("x"):rep(65536) }) end
  end
  return { query = task.query, parameters = task.parameters }
end)
agent:on_websocket("greet", function(payload, client)
  client:send("greeting", { text = "hello " .. payload.name, id = client.id })
end)
agent:on_websocket("break", function(payload, client) error("broken as asked") end)
"""

ENVELOPE = {"message_id", "message_type", "payload", "timestamp", "correlation_id", "response_to"}


def open_socket(host, path="/ws/quiet", **options):
    """A connection whose automatic messages were read."""
    client = host.websocket(path, **options)
    client.established = client.receive("connection_established")
    client.before_pong()
    return client


def is_time(text):
    return text.endswith("Z") and datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


@case("connecting: connection_established, then one confirmation for each automatic topic")
def connecting():
    with Host(AGENT) as host:
        ids = []
        for path, topics in (("/ws", []), ("/ws/events", ["events"]), ("/ws/quiet", []),
                             ("/ws/health", ["health_events", "alerts"])):
            with host.websocket(path) as client:
                message = client.next()
                equal(set(message), ENVELOPE, "every field of the envelope is there")
                equal(message["message_type"], "connection_established")
                equal(set(message["payload"]), {"client_id", "server_time", "connection_id"})
                uuid.UUID(message["message_id"])
                assert is_time(message["timestamp"]) and is_time(message["payload"]["server_time"]), message
                equal(type(message["payload"]["connection_id"]), int)
                ids.append(message["payload"]["connection_id"])
                for topic in topics:
                    message = client.next()
                    equal(message["message_type"], "subscription_confirmed")
                    equal(message["payload"]["topic"], topic)
                    equal(type(message["payload"]["subscriber_count"]), int)
                equal(client.before_pong(), [], "and nothing else")
        equal(len(set(ids)), 4, "connection ids differ")


@case("subscribe and unsubscribe are confirmed, and decide what arrives")
def subscribing():
    with Host(AGENT) as host, open_socket(host) as client, open_socket(host) as other:
        client.send("subscribe", {"topic": "beds"})
        equal(client.next()["payload"], {"topic": "beds", "subscriber_count": 1})
        other.send("subscribe", {"topic": "beds"})
        equal(other.next()["payload"], {"topic": "beds", "subscriber_count": 2})
        equal(host.task("/echo", {"topic": "beds", "data": {"n": 1}}, "publish"), 2)
        for one in (client, other):
            message = one.next()
            equal((message["message_type"], message["payload"]), ("topic_message", {"topic": "beds", "data": {"n": 1}}))
        client.send("unsubscribe", {"topic": "beds"})
        message = client.next()
        equal((message["message_type"], message["payload"]), ("unsubscription_confirmed", {"topic": "beds"}))
        equal(host.task("/echo", {"topic": "beds", "data": {"n": 2}}, "publish"), 1)
        equal(client.before_pong(), [])
        for payload in ({}, {"topic": ""}, None):
            client.send("subscribe", payload)
            message = client.next()
            equal((message["message_type"], message["payload"]), ("error", {"error": "Topic is required"}), payload)


@case("ping is answered with pong, to the message")
def ping():
    with Host(AGENT) as host, open_socket(host) as client:
        asked = client.send("ping", {})
        message = client.next()
        equal((message["message_type"], message["response_to"]), ("pong", asked))
        assert is_time(message["payload"]["timestamp"]), message
        client.connection.send(json.dumps({"message_type": "ping"}))
        equal(client.next()["message_type"], "pong", "a client need not send ids or a payload")


@case("agent_request runs the task and is answered with agent_response")
def agent_request():
    with Host(AGENT) as host, open_socket(host) as client:
        asked = client.send("agent_request", {"query": "hi", "task_type": "echo", "parameters": {"a": [1, None]}})
        message = client.receive("agent_response")
        equal(message["response_to"], asked)
        payload = message["payload"]
        equal(set(payload), {"success", "result", "error", "task_id"})
        equal((payload["success"], payload["error"]), (True, None))
        equal(payload["result"], {"query": "hi", "parameters": {"a": [1, None]}})
        uuid.UUID(payload["task_id"])
        client.send("agent_request", {"query": "only task"})
        equal(client.receive("agent_response")["payload"]["result"]["query"], "only task")
        client.send("agent_request", {"query": "fail", "task_type": "echo"})
        payload = client.receive("agent_response")["payload"]
        equal((payload["success"], payload["result"]), (False, None))
        equal(payload["error"], "as asked")
        assert f"agent.lua:{line_of(AGENT, 'HERE')}: as asked" in host.output(), host.output()
        for payload in ({}, {"task_type": "echo"}, {"query": "", "task_type": "echo"}, {"query": None}, {"query": 5}):
            client.send("agent_request", payload)
            equal(client.receive("error")["payload"], {"error": "Query is required"})


@case("without a task_type among several tasks, the error lists them")
def agent_request_several():
    script = AGENT + '\nagent:task("second", function() return 2 end)\n'
    with Host(script) as host, open_socket(host) as client:
        client.send("agent_request", {"query": "x"})
        message = client.next()
        text = json.dumps(message["payload"])
        assert "echo" in text and "second" in text, message
        client.send("agent_request", {"query": "x", "task_type": "nothing"})
        text = json.dumps(client.next()["payload"])
        assert "nothing" in text, text


@case("other types go to the script's handler, and unknown ones are an error")
def own_types():
    with Host(AGENT) as host, open_socket(host) as client:
        client.send("greet", {"name": "Ada"})
        message = client.next()
        equal(message["message_type"], "greeting")
        equal(message["payload"], {"text": "hello Ada", "id": client.established["payload"]["client_id"]})
        client.send("dance", {})
        equal(client.next()["payload"], {"error": "Unknown message type: dance"})
        client.send("break", {})
        message = client.next()
        equal(message["message_type"], "error")
        assert "broken as asked" in message["payload"]["error"], message


@case("what is not JSON is an error, and the connection stays")
def not_json():
    with Host(AGENT) as host, open_socket(host) as client:
        for text in ("{bad", "", "hello", "[1"):
            client.connection.send(text)
            equal(client.next()["payload"], {"error": "Invalid JSON format"}, repr(text))
        client.connection.send(json.dumps({"message_type": "ping", "payload": {}}).encode())
        equal(client.next()["message_type"], "pong", "a binary frame is read as text")


@case("events reach /ws and /ws/events, and others by topic, each client once")
def events():
    with Host(AGENT) as host:
        with open_socket(host, "/ws") as all_events, open_socket(host, "/ws/events") as also_all, \
                open_socket(host, "/ws/health") as health, open_socket(host, "/ws/quiet") as quiet:
            all_events.send("subscribe", {"topic": "alerts"})
            all_events.receive("subscription_confirmed")
            emit = {"event_type": "alert_triggered", "topic": "alerts", "data": {"n": 1}, "priority": 2}
            host.task("/echo", emit, "emit")

            def own(client):
                messages = client.before_pong()
                assert all(message["message_type"] == "realtime_event" for message in messages), messages
                return [message["payload"] for message in messages if message["payload"]["event_type"] == "alert_triggered"]

            for client in (all_events, also_all, health):
                [event] = own(client)
                equal((event["data"], event["priority"], event["source_service"]), ({"n": 1}, 2, "wire-agent"))
                uuid.UUID(event["event_id"])
                assert is_time(event["timestamp"]), event
            equal(own(quiet), [])


@case("a task emits agent_task_started and agent_task_completed or agent_task_failed")
def task_events():
    with Host(AGENT) as host, open_socket(host, "/ws") as client:
        host.task("/echo", {}, "x")
        started, completed = [message["payload"] for message in client.before_pong()]
        equal((started["event_type"], completed["event_type"]), ("agent_task_started", "agent_task_completed"))
        equal(started["data"], {"task_id": started["correlation_id"], "task_type": "echo"})
        equal(completed["correlation_id"], started["correlation_id"])
        equal(completed["data"], {
            "task_id": started["correlation_id"], "success": True, "result": {"query": "x", "parameters": {}},
            "error": None})
        host.post("/echo", {"query": "fail"})
        _, failed = [message["payload"] for message in client.before_pong()]
        equal((failed["event_type"], failed["data"]["success"]), ("agent_task_failed", False))
        assert "as asked" in failed["data"]["error"], failed


@case("broadcast reaches every client, and send_to_client the one")
def sending():
    with Host(AGENT) as host, open_socket(host) as client, open_socket(host) as other:
        equal(host.task("/echo", {"headline": 1}, "broadcast"), 2)
        for one in (client, other):
            message = one.next()
            equal((message["message_type"], message["payload"]), ("news", {"headline": 1}))
        host.post("/realtime/broadcast", {"x": 1})
        for one in (client, other):
            message = one.next()
            equal((message["message_type"], message["payload"]), ("broadcast", {"x": 1}))
        equal(host.task("/echo", {"id": client.established["payload"]["client_id"]}, "to")["ok"], True)
        equal(client.next()["message_type"], "direct")
        equal(other.before_pong(), [])
        answer = host.task("/echo", {"id": str(uuid.uuid4())}, "to")
        assert answer.get("ok") is None and answer["message"], answer


@case("an upgrade is accepted by its Origin, and refused with 403 before it")
def origins():
    with Host(AGENT) as host:
        for origin in (None, f"http://127.0.0.1:{host.port}", "http://localhost:3000", "http://127.0.0.1:5173"):
            with host.websocket("/ws", origin=origin) as client:
                client.receive("connection_established")

        def refused(host, origin):
            try:
                host.websocket("/ws", origin=origin).close()
            except InvalidStatus as error:
                return error.response.status_code
            return None

        for origin in ("https://evil.example", "null", "http://127.0.0.1.evil.example"):
            equal(refused(host, origin), 403, origin)
        equal(refused(host, None), None)
    with Host(AGENT, environment={"ALLOWED_ORIGINS": "https://ward.example"}) as host:
        with host.websocket("/ws", origin="https://ward.example") as client:
            client.receive("connection_established")
        equal(refused(host, "https://other.example"), 403)
    with Host(AGENT, environment={"ALLOWED_ORIGINS": "*"}) as host:
        with host.websocket("/ws", origin="https://any.example") as client:
            client.receive("connection_established")


@case("a request that is no proper upgrade gets an HTTP error")
def bad_upgrades():
    with Host(AGENT) as host:
        assert 400 <= host.get("/ws").status < 500
        with host.raw() as connection:
            connection.send(b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n")
            answer = connection.response()
            equal((answer.status, answer.headers.get("sec-websocket-version")), (426, "13"))
        with host.raw() as connection:
            connection.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /ws/quiet HTTP/1.1\r\nHost: localhost\r\n"
                            b"Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
                            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
            equal(connection.response().status, 200)
            answer = connection.response(head_only=True)
            equal(answer.status, 101, "an upgrade on a connection already used")
            equal(answer.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")


@case("a raw endpoint speaks the script's own protocol, with its own close")
def raw():
    with Host(AGENT) as host:
        with host.websocket("/device") as client:
            equal(client.connection.recv(timeout=10), "hello", "no envelope, no automatic message")
            client.connection.send("żółw")
            equal(client.connection.recv(timeout=10), "żółw")
            client.connection.send(b"\x00\xff")
            equal(client.connection.recv(timeout=10), b"\x00\xff")
            client.connection.send("bye")
            equal(client.close_code(), 4001)
        with host.websocket("/device") as client:
            client.connection.close(3000)
        until(lambda: 3000 in host.task("/echo", {}, "codes"), "on_close got the client's code")


@case("frames against RFC 6455 close the connection with its code")
def closes():
    def connect(host):
        connection = host.raw()
        connection.send(b"GET /ws/quiet HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
        equal(connection.response(head_only=True).status, 101)
        return connection

    def close_code(connection):
        while connection._more():
            pass
        data = connection.buffer
        while data:
            opcode, length, start = data[0] & 15, data[1] & 127, 2
            if length == 126:
                length, start = int.from_bytes(data[2:4], "big"), 4
            if opcode == 8:
                return int.from_bytes(data[start:start + 2], "big")
            data = data[start + length:]
        return None

    with Host(AGENT) as host:
        mask = b"\x00\x00\x00\x00"
        for frame, code in (
            (b"\x81\x02hi", 1002),  # without a mask
            (b"\xc1\x82" + mask + b"hi", 1002),  # a reserved bit
            (b"\x83\x82" + mask + b"hi", 1002),  # an unknown opcode
            (b"\x09\x82" + mask + b"hi", 1002),  # a control frame in fragments
            (b"\x80\x82" + mask + b"hi", 1002),  # a continuation of nothing
            (b"\x81\x82" + mask + b"\xff\xfe", 1007),  # text that is not UTF-8
            (b"\x88\x82" + mask + b"\x03\xed", 1002),  # the code 1005 must not be sent
            (b"\x88\x82" + mask + b"\x0f\xa0", 4000),  # a proper close is echoed
        ):
            with connect(host) as connection:
                connection.send(frame)
                equal(close_code(connection), code, repr(frame))
        with connect(host) as connection:
            size = 32 << 20
            connection.send(b"\x81\xff" + size.to_bytes(8, "big") + mask + b"x" * 65536)
            equal(close_code(connection), 1009, "a message over the limit")


@case("a slow client is closed with 1013 and does not slow another")
def slow():
    with Host(AGENT) as host, open_socket(host) as quick:
        stuck = socket.socket()
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect(host.address)
        # After one message that nobody takes, the library reads no more.
        with open_socket(host, "/ws/quiet", sock=stuck, max_queue=1) as slow_client:
            for client in (quick, slow_client):
                client.send("subscribe", {"topic": "flood"})
                client.receive("subscription_confirmed")

            def flood():
                host.task("/echo", {}, "flood")
                for _ in range(8):
                    quick.receive("topic_message")
                return host.health()["connections"] == 1

            until(flood, "the slow client was closed")
            equal(slow_client.close_code(), 1013)
        equal(quick.before_pong(), [], "the quick one got everything, and stays")


@case("stopping closes WebSockets with 1001")
def stopping():
    with Host(AGENT) as host:
        with open_socket(host) as client, open_socket(host, "/ws") as other:
            host.signal(signal.SIGTERM)
            equal(client.close_code(), 1001)
            equal(other.close_code(), 1001)


@case("several workers are one hub")
def workers():
    with Host(AGENT, arguments=["--workers", "2"]) as host:
        clients = [open_socket(host) for _ in range(8)]
        try:
            for number, client in enumerate(clients, 1):
                client.send("subscribe", {"topic": "shared"})
                client.receive("subscription_confirmed")
            equal(host.task("/echo", {"topic": "shared", "data": {"n": 1}}, "publish"), 8)
            equal(host.post("/realtime/topic/shared", {"n": 2}).json["subscribers"], 8)
            for client in clients:
                equal(client.receive("topic_message", lambda m: m["payload"]["data"] == {"n": 2})["payload"]["topic"], "shared")
            equal(host.get("/realtime/connections").json["total_connections"], 8)
            ids = {client.established["payload"]["connection_id"] for client in clients}
            equal(len(ids), 8)
        finally:
            for client in clients:
                client.close()


run()
