"""What passes through a host arrives as it came: null values, headers, bytes; overlapping filters; dead letters that no
broker takes; and when a host starts brokers of its own."""

import contextlib
import http.server
import json
import pathlib
import re
import socket as sockets
import subprocess
import threading
import time

from support import (
    Host, Lines, Running, case, command, equal, kcat_produce, mqtt_publish, run, scripts_folder, until,
)

PASS = """
local agent = agenthost.realtime_agent {
  name = "pass",
  endpoints = { { path = "/do", task_type = "act" }, { path = "/any", task_type = "any", body = "any" } },
  config = { streaming_topics = { "plain" }, mqtt_topics = { "plain/mqtt" } },
}
agent.state.seen = {}
agent:on_message("in", function(data, message)
  agent:send_kafka("out", message.raw, { key = message.key, headers = message.header_list })
  table.insert(agent.state.seen, {
    null = data == agenthost.null, raw_null = message.raw == agenthost.null, key = message.key or "none",
    by_name = message.headers, list = message.header_list })
end, { source = "kafka" })
agent:on_message("fragile", function() error("cannot") end, { attempts = 1, source = "kafka" })
agent:on_message("raw/+", function(data, message) agent:send_mqtt("copied/" .. message.topic, message.raw) end)
agent:task("any", function(task)
  agent:publish("ways", task.body.text and task.body.text or "\\xff\\xfe")
  agent:broadcast("ways", { bytes = "\\xff" })
  agent:emit { event_type = "ways", data = { list = { "\\xfe", "ok" } } }
  return "\\xc3"
end)
agent:task("act", function(task)
  local p = task.parameters
  if task.query == "seen" then return agenthost.array(agent.state.seen) end
  if task.query == "null" then assert(agent:send_kafka("nulls", agenthost.null, { key = "k" })) assert(agent:flush()) end
  if task.query == "get" then
    local answer, problem = agenthost.http.get(p.url, { timeout = p.timeout or 30, headers = p.headers })
    if not answer then return { problem = problem } end
    return { status = answer.status, headers = answer.headers, list = answer.header_list, body = answer.body }
  end
  if task.query == "send" then
    agent:send_kafka(p.topic, ("x"):rep(p.size))
    local ok, message = agent:flush()
    return { ok = ok, message = message }
  end
end)
"""


def exact(broker, topic, count):
    """Records of the topic byte for byte, as kcat writes them: (key or None, value or None, headers)."""
    def read():
        done = subprocess.run(
            ["kcat", "-C", "-q", "-e", "-b", broker, "-t", topic, "-o", "beginning", "-X", "fetch.wait.max.ms=10",
             "-f", "%K|%S|%h|%s|%k\x1e", "-X", "allow.auto.create.topics=true"],
            timeout=60, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        records = []
        for line in done.stdout.split(b"\x1e")[:-1]:
            key_length, value_length, rest = line.split(b"|", 2)
            headers, value, key = rest.rsplit(b"|", 2)
            records.append((None if key_length == b"-1" else key, None if value_length == b"-1" else value, headers))
        return len(records) >= count and records

    return until(read, f"{count} records on {topic}", 40, pause=0.1)


@case("a tombstone is forwarded as one, an empty value as empty, and keys and headers as they came")
def nulls():
    with Host(PASS, embedded=True) as host:
        # kcat -Z sends an empty value, and an empty key, as null.
        for arguments, data in (
            (["-Z", "-K", ":", "-H", "a=1", "-H", "b=2", "-H", "a=3"], b"k:\n"), ([], b"null"), (["-K", ":"], b":empty key"),
        ):
            subprocess.run(["kcat", "-P", "-q", "-b", host.kafka, "-t", "in", "-p", "0", *arguments], input=data,
                           timeout=30, check=True)
        records = exact(host.kafka, "out", 3)
        by_value = {record[1]: record for record in records}
        equal(by_value[None], (b"k", None, b"a=1,b=2,a=3"))
        equal(by_value[b"null"], (None, b"null", b""))
        equal(by_value[b"empty key"], (b"", b"empty key", b""))
        seen = host.task("/do", query="seen")
        first = next(one for one in seen if one["raw_null"])
        equal((first["null"], first["by_name"], first["list"]),
              (True, {"a": "3", "b": "2"}, [["a", "1"], ["b", "2"], ["a", "3"]]))
        equal([one["null"] for one in seen if not one["raw_null"]].count(True), 1, "JSON's null is null, and no tombstone")
        host.task("/do", query="null")
        equal(exact(host.kafka, "nulls", 1), [(b"k", None, b"")])


@case("a dead letter of a tombstone is one, with every header before its story")
def null_letters():
    with Host(PASS, embedded=True) as host:
        subprocess.run(["kcat", "-P", "-q", "-b", host.kafka, "-t", "fragile", "-Z", "-K", ":", "-H", "a=1", "-H", "a=2"],
                       input=b"k:\n", timeout=30, check=True)
        [(key, value, headers)] = exact(host.kafka, "fragile.dlq", 1)
        equal((key, value), (b"k", None))
        assert headers.startswith(b"a=1,a=2,x-original-topic=fragile"), headers


@case("bytes that are no text are Base64 on every way that is JSON, and bytes from MQTT to MQTT")
def bytes_on_text():
    with Host(PASS, embedded=True) as host:
        with host.websocket("/ws") as socket, host.stream("/stream/topic/ways") as ways:
            socket.send("subscribe", {"topic": "ways"})
            socket.receive("subscription_confirmed", lambda m: m["payload"]["topic"] == "ways")
            kcat_produce(host.kafka, "plain", b"\xff\x00\xfe")
            event = socket.receive("realtime_event", lambda m: m["payload"]["event_type"] == "data_processed", timeout=30)
            equal(event["payload"]["data"]["message"], {"encoding": "base64", "base64": "/wD+"})
            mqtt_publish(host.mqtt, "plain/mqtt", b"\xc3")
            event = socket.receive("realtime_event", lambda m: m["payload"]["event_type"] == "data_processed")
            equal(event["payload"]["data"], {"topic": "plain/mqtt", "payload": {"encoding": "base64", "base64": "ww=="}})
            answer = host.post("/any", {})
            equal(answer.json, {"encoding": "base64", "base64": "ww=="})
            equal(ways.next()["data"]["data"], {"encoding": "base64", "base64": "//4="})
            equal(socket.receive("topic_message")["payload"]["data"], {"encoding": "base64", "base64": "//4="})
            equal(socket.receive("ways")["payload"], {"bytes": {"encoding": "base64", "base64": "/w=="}})
            event = socket.receive("realtime_event", lambda m: m["payload"]["event_type"] == "ways")
            equal(event["payload"]["data"], {"list": [{"encoding": "base64", "base64": "/g=="}, "ok"]})
        binary = subprocess.Popen(
            ["mosquitto_sub", "-h", "127.0.0.1", "-p", host.mqtt.rpartition(":")[2], "-t", "copied/raw/x", "-C", "1", "-N",
             "-W", "20"], stdout=subprocess.PIPE)
        until(lambda: (mqtt_publish(host.mqtt, "raw/x", b"\xff\x00\n"), binary.poll() is not None)[1], "a copy", pause=0.2)
        equal(binary.stdout.read(), b"\xff\x00\n")


@case("ingest forwards its bodies byte for byte: a text with its quotes, null as JSON, spaces and numbers untouched")
def ingest():
    with scripts_folder({}) as folder, Running(["broker"], folder) as broker:
        environment = {"KAFKA_BOOTSTRAP_SERVERS": broker.kafka, "PRODUCE_OUT": "out"}
        with Host({}, arguments=["--role", "ingest"], environment=environment) as host:
            bodies = [b'"hello"', b"null", b' {"b": 6.30, "a": 12345678901234567890123} ', b"[]", b"true"]
            for body in bodies:
                answer = host.request("POST", "/ingest", data=body, headers={"Content-Type": "application/json"})
                equal((answer.status, answer.json["status"]), (200, "accepted"))
            equal(sorted(record[1] for record in exact(broker.kafka, "out", len(bodies))), sorted(bodies))
        script = {"part.lua": "function transform(data) return data end"}
        environment["PRODUCE_OUT"] = "same"
        with Host(script, arguments=["--role", "ingest"], environment=environment) as host:
            for body in (b'"hello"', b"null"):
                host.request("POST", "/ingest", data=body, headers={"Content-Type": "application/json"})
            equal(sorted(record[1] for record in exact(broker.kafka, "same", 2)), [b'"hello"', b"null"])


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append(self.headers)
        self.send_response(200)
        for name, value in (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Content-Length", "2")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


@case("agenthost.http: header lists both ways, credentials of a URL as Basic, a User-Agent")
def requests():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.seen = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with Host(PASS) as host:
            url = f"http://us%40er:pa%3Ass@127.0.0.1:{server.server_port}/x?q=1"
            answer = host.task("/do", {"url": url, "headers": [["X-Two", "1"], ["X-Two", "2"]]}, "get")
            equal(answer["status"], 200)
            equal(answer["headers"]["set-cookie"], "b=2")
            equal([value for name, value in answer["list"] if name == "set-cookie"], ["a=1", "b=2"])
            [seen] = server.seen
            equal(seen.get_all("X-Two"), ["1", "2"])
            equal(seen["Authorization"], "Basic dXNAZXI6cGE6c3M=")
            assert seen["User-Agent"].startswith("agenthost/"), seen["User-Agent"]
            host.task("/do", {"url": url, "headers": {"User-Agent": "mine", "Authorization": "Bearer t"}}, "get")
            equal((server.seen[-1]["User-Agent"], server.seen[-1]["Authorization"]), ("mine", "Bearer t"))
    finally:
        server.shutdown()
        server.server_close()


INTERNALS = re.compile(r"NIO|HTTPClientError|Error\(|errno|Optional|\.swift|/work|/build|BoringSSL|SSLError|fd:")


@case("agenthost.http tells at once, in words, why no answer came")
def failures():
    def closing(listener):
        while True:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                connection.recv(1000)
                connection.close()
                continue
            return

    listener = sockets.create_server(("127.0.0.1", 0))
    silent = sockets.create_server(("127.0.0.1", 0))
    threading.Thread(target=closing, args=(listener,), daemon=True).start()
    port, quiet = listener.getsockname()[1], silent.getsockname()[1]
    try:
        with Host(PASS) as host:
            for url, expected in (
                ("http://127.0.0.1:9/x?token=hush", "connection refused by 127.0.0.1:9"),
                ("http://user:hush@127.0.0.1:9/", "connection refused by 127.0.0.1:9"),
                ("http://no-such-host.invalid/", "no address is known for 'no-such-host.invalid'"),
                (f"http://127.0.0.1:{port}/", f"127.0.0.1:{port} closed the connection before it had answered"),
                (f"https://127.0.0.1:{port}/", f"127.0.0.1:{port}"),
                (f"http://127.0.0.1:{quiet}/", "no answer within 0.5 s"),
            ):
                began = time.monotonic()
                problem = host.task("/do", {"url": url, "timeout": 0.5 if str(quiet) in url else 20}, "get")["problem"]
                took = time.monotonic() - began
                assert expected in problem, f"{url}: {problem}"
                assert not INTERNALS.search(problem) and "hush" not in problem, problem
                assert took < 5, f"{url} took {took:.1f} s"
    finally:
        listener.close()
        silent.close()


OVERLAP = """
local agent = agenthost.realtime_agent { name = "overlap", endpoints = { { path = "/do", task_type = "act" } } }
agent.state.seen = {}
local function handler(name, fails)
  return function(data, message)
    table.insert(agent.state.seen, { handler = name, n = data.n, topic = message.topic })
    if fails and data.n == 2 then error("not this one") end
  end
end
agent:on_message("a/#", handler("wide"))
agent:on_message("a/+/c", handler("middle", true), { attempts = 2, backoff = 0.05 })
agent:on_message("a/b/#", handler("other"))
agent:on_message("a/b/c", handler("exact"))
agent:on_message("b/+/c", handler("left"))
agent:on_message("b/x/#", handler("right"))
agent:task("act", function() return agenthost.array(agent.state.seen) end)
"""


@contextlib.contextmanager
def mosquitto(*lines):
    """A mosquitto with settings of the test's own."""
    with scripts_folder({}) as folder:
        with sockets.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        text = "\n".join([f"listener {port} 127.0.0.1", "allow_anonymous true", "persistence false", "log_dest stderr",
                          "log_type all", *lines, ""])
        (folder / "mosquitto.conf").write_text(text)
        process = Lines("mosquitto", "-c", str(folder / "mosquitto.conf"))
        with process:
            process.wait(lambda line: "running" in line, "mosquitto runs")
            process.port = port
            yield process


def check_overlap(host, publish):
    publish("a/b/c", {"n": 1})
    publish("a/b/c", {"n": 2})
    publish("b/x/c", {"n": 3})
    publish("b/y/z", {"n": 4})
    publish("a/end", {"n": 9})
    seen = until(lambda: (s := host.task("/do", query="")) and any(one["n"] == 9 for one in s) and s, "the last")
    until(lambda: sum(one["n"] == 2 for one in host.task("/do", query="")) >= 5, "the second attempt")
    seen = host.task("/do", query="")
    equal([one["handler"] for one in seen if one["n"] == 1], ["wide", "middle", "other", "exact"])
    equal(sorted(one["handler"] for one in seen if one["n"] == 2), ["exact", "middle", "middle", "other", "wide"])
    equal([one["handler"] for one in seen if one["n"] == 3], ["left", "right"])
    equal([one for one in seen if one["n"] == 4], [], "nobody asked for it")
    equal([one["handler"] for one in seen if one["n"] == 9], ["wide"])


@case("overlapping filters: each handler has a message once, in order, whatever copies the broker sends")
def overlap():
    for settings in ([], ["allow_duplicate_messages true"]):
        with mosquitto(*settings) as broker:
            environment = {"MQTT_HOST": "127.0.0.1", "MQTT_PORT": str(broker.port)}
            with Host(OVERLAP, environment=environment) as host:
                broker.wait(lambda line: "a/#" in line, "subscribed")
                until(lambda: host.get("/realtime/status").json["connections"][0]["status"] == "connected", "connected")
                mqtt_publish(f"127.0.0.1:{broker.port}", "a/warm", {"n": 0})
                until(lambda: host.task("/do", query=""), "a first message")
                check_overlap(host, lambda topic, value: mqtt_publish(f"127.0.0.1:{broker.port}", topic, value))
    with scripts_folder({"agent.lua": OVERLAP}) as folder:
        printed = command("check", "agent.lua", folder=folder).stdout
        assert "overlap    a/#, a/+/c" in printed and "overlap    b/+/c, b/x/#" in printed, printed


@case("two replicas: one client id throws nobody off Kafka, a shared group gives each message to one of them")
def replicas():
    script = """
    local agent = agenthost.realtime_agent { name = "twin", endpoints = { { path = "/do", task_type = "act" } } }
    agent.state.seen = {}
    agent:on_message("work/#", function(data) table.insert(agent.state.seen, data.n) end, { source = "mqtt" })
    agent:task("act", function() return agenthost.array(agent.state.seen) end)
    """
    kafka_only = script.replace("mqtt", "kafka").replace("work/#", "work")
    with mosquitto() as broker:
        environment = {"MQTT_HOST": "127.0.0.1", "MQTT_PORT": str(broker.port)}
        with Host(kafka_only, environment=environment) as one, Host(kafka_only, environment=environment) as two:
            time.sleep(0.5)
            assert not [line for line in broker.lines if "New client" in line], "nothing needs MQTT"
            equal([one.get("/realtime/status").json["connections"], two.health()["status"]], [[], "healthy"])
        shared = {**environment, "MQTT_SHARED_GROUP": "ward"}
        with Host(script, environment=shared) as one, Host(script, environment=shared) as two:
            until(lambda: sum("$share/ward/work/#" in line for line in broker.lines) >= 2, "both are subscribed")
            for n in range(40):
                mqtt_publish(f"127.0.0.1:{broker.port}", "work/x", {"n": n})
            got = until(lambda: (g := [host.task("/do", query="") for host in (one, two)]) and sum(map(len, g)) >= 40 and g,
                        "40 messages")
            equal(sorted(got[0] + got[1]), list(range(40)))
            assert got[0] and got[1], "both take part"


@case("the largest record is KAFKA_MESSAGE_MAX_BYTES, sent and consumed, on the embedded broker too")
def sizes():
    with Host(PASS, embedded=True, environment={"KAFKA_MESSAGE_MAX_BYTES": "4000000"}) as host:
        equal(host.task("/do", {"topic": "big", "size": 3_500_000}, "send"), {"ok": True})
        [record] = exact(host.kafka, "big", 1)
        equal(len(record[1]), 3_500_000)
        refused = host.task("/do", {"topic": "big", "size": 4_100_000}, "send")
        assert "KAFKA_MESSAGE_MAX_BYTES" in str(refused), refused
        subprocess.run(["kcat", "-P", "-q", "-b", host.kafka, "-t", "in", "-X", "message.max.bytes=4000000"],
                       input=b"y" * 3_000_000, timeout=30, check=True)
        [record] = exact(host.kafka, "out", 1)
        equal(len(record[1]), 3_000_000)


@case("a dead letter that the broker will never take is kept, the partition goes on, dlq shows and replays it")
def spool():
    with scripts_folder({}) as folder:
        state = folder / "state"
        with Running(["broker"], folder) as broker:
            environment = {"KAFKA_BOOTSTRAP_SERVERS": broker.kafka, "STATE_PATH": str(state), "KAFKA_MESSAGE_MAX_BYTES": "1000"}
            with Host(PASS, environment=environment) as host:
                subprocess.run(["kcat", "-P", "-q", "-b", broker.kafka, "-t", "fragile", "-p", "0", "-k", "big"],
                               input=b"\xff" * 2000, timeout=30, check=True)
                kcat_produce(broker.kafka, "fragile", b"small", partition=0)
                equal([record[1] for record in exact(broker.kafka, "fragile.dlq", 1)], [b"small"])
                health = host.health()
                equal((health["status"], health["spooled_dead_letters"]["count"]), ("degraded", 1))
                place = pathlib.Path(health["spooled_dead_letters"]["path"])
                equal((place.stat().st_mode & 0o777, place.parent.parent), (0o700, state))
                assert re.search(r"agenthost_dead_letters_kept\S* 1", host.get("/metrics").body.decode())
                listed = command("dlq", "list", environment={"STATE_PATH": str(state)}).stdout
                assert "pass  fragile.dlq  1 letter" in listed and "too large" in listed, listed
                shown = command("dlq", "show", "fragile.dlq", environment={"STATE_PATH": str(state)}).stdout
                assert "key     big" in shown and "base64:////" in shown and "x-original-topic: fragile" in shown, shown
                again = command("dlq", "replay", "--ready-file", host.ready_file)
                assert again.returncode == 1 and "1 stay" in again.stderr, again
            environment["KAFKA_MESSAGE_MAX_BYTES"] = "10000"
            with Host(PASS, environment=environment) as host:
                equal(host.health()["status"], "degraded", "what an earlier process kept counts too")
                again = command("dlq", "replay", "fragile.dlq", "--ready-file", host.ready_file)
                equal((again.returncode, again.stdout), (0, "1 sent\n"))
                until(lambda: host.health()["status"] == "healthy", "nothing is kept any more")
                records = exact(broker.kafka, "fragile.dlq", 2)
                equal([record[:2] for record in records if record[0]], [(b"big", b"\xff" * 2000)])
                assert "no dead letter" in command("dlq", environment={"STATE_PATH": str(state)}).stdout
            environment["KAFKA_MESSAGE_MAX_BYTES"] = "1000"
            with Host(PASS, environment=environment) as host:
                for size in (3000, 4000):
                    subprocess.run(["kcat", "-P", "-q", "-b", broker.kafka, "-t", "fragile", "-p", "0"],
                                   input=b"\xff" * size, timeout=30, check=True)
                until(lambda: host.health().get("spooled_dead_letters", {}).get("count") == 2, "both are kept", 60)

                def drop(*arguments):
                    return command("dlq", "drop", "fragile.dlq", *arguments, environment={"STATE_PATH": str(state)})

                shown = command("dlq", "show", "fragile.dlq", environment={"STATE_PATH": str(state)}).stdout
                ids = re.findall(r"^(\S+)  pass  ", shown, re.M)
                equal(len(ids), 2)
                done = drop("nobody")
                assert done.returncode == 1 and "with the id nobody is kept" in done.stderr, done
                equal(drop(ids[0]).stdout, "1 letter dropped\n")
                equal(drop().stdout, "1 letter dropped\n")
                equal(drop().returncode, 1)
                until(lambda: host.health()["status"] == "healthy", "nothing is kept any more")


NEEDS = {
    "plain.lua": 'local agent = agenthost.agent { name = "plain", endpoints = { { path = "/p", task_type = "p" } } }\n'
                 'agent:task("p", function() return 1 end)',
    "kafka.lua": 'local agent = agenthost.agent { name = "k", endpoints = { { path = "/k", task_type = "k" } } }\n'
                 'agent:task("k", function() agent:send_kafka("t", 1) return agent:flush() end)',
    "mqtt.lua": 'local agent = agenthost.realtime_agent { name = "m" }\nagent:on_message("a/+", function() end)',
}


@case("embedded brokers start only where something needs them and nothing speaks of a real one, and are named")
def embedding():
    def brokers(agent, arguments=(), **environment):
        with scripts_folder(NEEDS) as folder:
            with Running(["run", agent, "--port", "0", *arguments], folder, environment) as host:
                http_address = host.ready["http"].replace("0.0.0.0", "127.0.0.1")
                health = json.loads(subprocess.run(["curl", "-s", f"{http_address}/health"], stdout=subprocess.PIPE).stdout)
                metrics = subprocess.run(["curl", "-s", f"{http_address}/metrics"], stdout=subprocess.PIPE).stdout.decode()
                started = sorted(name for name in ("kafka", "mqtt") if host.ready[name])
                equal(sorted(health.get("embedded", {})), started)
                equal(sorted(re.findall(r'agenthost_embedded_broker\{.*type="(\w+)"', metrics)), started)
                for name in started:
                    equal(health["embedded"][name], "in memory")
                return started, host.output()

    equal(brokers("plain.lua")[0], [])
    started, log = brokers("kafka.lua")
    equal(started, ["kafka"])
    assert "in memory" in log, log
    equal(brokers("mqtt.lua")[0], ["mqtt"])
    equal(brokers("plain.lua", ["--embedded"])[0], ["kafka", "mqtt"])
    equal(brokers("kafka.lua", ["--no-embedded"])[0], [])
    for environment, told in (
        ({"KAFKA_BOOTSTRAP_SERVER": "prod:9092"}, "did you mean KAFKA_BOOTSTRAP_SERVERS"),
        ({"MQTT_HOSTS": "prod"}, "did you mean MQTT_HOST"), ({"KAFKA_USERNAME": "u"}, "KAFKA_USERNAME is set without"),
        ({"HOST": "0.0.0.0"}, "not loopback"), ({"REALTIME_PLATFORM": "ward"}, "the platform ward is configured"),
        ({"KAFKA_PORT": "tcp://10.0.0.1:9092", "KAFKA_SERVICE_HOST": "10.0.0.1", "MQTT_PORT": "tcp://10.0.0.2:1883",
          "MQTT_PORT_1883_TCP_ADDR": "10.0.0.2"}, "Kubernetes service"),
    ):
        started, log = brokers("kafka.lua", **environment)
        equal(started, [], str(environment))
        assert told in log and "no Kafka: " in log, f"{environment}: {log}"
        assert "prod:9092" not in log, log
        equal(brokers("kafka.lua", ["--embedded"], **environment)[0], ["kafka", "mqtt"])
    started, log = brokers("plain.lua", DB_HOSTS="x", KAFKA_COMPRESSION="lz4")
    equal(started, [])
    assert "DB_HOSTS is no setting; did you mean DB_HOST" in log, log


@case("a version that is the first to need a broker gets one")
def needed_later():
    with scripts_folder(NEEDS) as folder:
        with Running(["run", "plain.lua", "--port", "0"], folder) as host:
            equal(host.ready["kafka"], None)
            (folder / "plain.lua").write_text(NEEDS["kafka.lua"].replace('"k"', '"plain"', 1))
            until(lambda: json.loads(host.ready_file.read_text())["kafka"], "the ready file names Kafka")
            kafka = json.loads(host.ready_file.read_text())["kafka"]
            answer = subprocess.run(["curl", "-s", "-X", "POST", "-H", "Content-Type: application/json", "-d", '{"query":""}',
                                     f"{host.ready['http']}/k"], stdout=subprocess.PIPE).stdout
            equal(json.loads(answer)["result"], True)
            equal([record[1] for record in exact(kafka, "t", 1)], [b"1"])


run()
