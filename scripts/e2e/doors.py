"""Who may come in, what may come out: secrets, hosts and origins, names and sizes, files, descriptors, addresses."""

import contextlib
import json
import os
import pathlib
import re
import resource
import socket
import subprocess
import threading
import time

from support import (
    Host, Running, case, clean_environment, command, equal, note, program, run, scripts_folder, until,
)

AGENT = """
local agent = agenthost.realtime_agent {
  name = "guarded",
  endpoints = {
    { path = "/echo", task_type = "echo" }, { path = "/say", task_type = "say" },
    { path = "/fail", task_type = "fail" }, { path = "/fetch", task_type = "fetch" },
    { path = "/any", task_type = "echo", body = "any" }, { path = "/ask", task_type = "echo", method = "GET" },
  },
}
agent:task("echo", function(task) return task.query end)
agent:task("say", function(task) agenthost.log.info(task.query, { field = task.query }) return true end)
agent:task("fail", function(task) error(task.query) end)
agent:task("fetch", function(task)
  local answer, message = agenthost.http.get(task.query, { timeout = 5 })
  return { status = answer and answer.status, message = message }
end)
agent:on_event("custom_event", function() end)
"""


def sesame():
    """A secret in every variable that may hold one: its own, or within a URL."""
    number = 0

    def secret():
        nonlocal number
        number += 1
        return f"sesame-{number}"

    names = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "DB_PASSWORD", "METABASE_PASSWORD", "METABASE_API_KEY", "LENSES_PASSWORD",
             "LENSES_API_KEY", "AWS_SECRET_ACCESS_KEY", "UNKNOWN_TO_THE_HOST", "CONSUME")
    environment = {name: secret() for name in names}
    environment["DB_CONNECTION_STRING"] = f"postgresql://user:{secret()}@db/x"
    for name, scheme in (("METABASE_URL", "http"), ("LENSES_URL", "https"), ("LENSES_WS_URL", "wss"), ("JWT_ISSUER_URI", "https")):
        environment[name] = f"{scheme}://user:{secret()}@host.example:3000/path?token={secret()}&api_key={secret()}#{secret()}"
    environment["AUTH0_ISSUER"] = f"https://issuer.example/?token={secret()}"
    # Without it a host with an issuer does not start.
    environment["AUTH_BY_PROXY"] = "true"
    return environment


def children(pid):
    """The processes below one."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            found.append((int(fields[1]), int(stat.parent.name)))
    below = [child for parent, child in found if parent == pid]
    return below + [one for child in below for one in children(child)]


@case("at debug and trace no secret of the environment is in logs, errors, pages, the ready file, or a child's environment")
def secrets():
    environment = sesame()
    for level in ("debug", "trace"):
        for brokers in ({}, {
                "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9", "KAFKA_USERNAME": "user", "KAFKA_PASSWORD": "sesame-k",
                "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "MQTT_HOST": "127.0.0.1", "MQTT_PORT": "9", "MQTT_USER": "user",
                "MQTT_PASSWORD": "sesame-m", "KAFKA_SCHEMA_REGISTRY_URL": "http://user:sesame-r@host.example/?token=sesame-s"}):
            with Host(AGENT, environment={**environment, **brokers}, embedded=not brokers,
                      arguments=["--log-level", level]) as host:
                said = [json.dumps(host.ready)]
                for path in ("/", "/health", "/metrics", "/capabilities", "/realtime/status", "/realtime/connections"):
                    said.append(host.get(path).body.decode())
                said.append(json.dumps(host.task("/fetch", query="http://user:sesame-u@127.0.0.1:9/a?token=sesame-q#sesame-f")))
                said.append(host.post("/fail", {"query": "no"}).body.decode())
                host.script.write_text(AGENT + "\nthis is not Lua")
                until(lambda: host.health()["script"]["reload_error"], "the reload has failed")
                host.script.write_text(AGENT)
                until(lambda: not host.health()["script"]["reload_error"], "the reload is done")
                below = children(host.pid)
                assert bool(below) == (not brokers), f"children: {below}"
                for child in below:
                    for name in ("cmdline", "environ"):
                        said.append(pathlib.Path(f"/proc/{child}/{name}").read_bytes().decode(errors="replace"))
                equal(host.stop(), 0)
                said.append(host.output())
                for text in said:
                    found = re.findall(r".{0,80}sesame.{0,40}", text)
                    assert not found, found[:3]
    with scripts_folder({"agent.lua": AGENT, "broken.lua": AGENT + "\nerror('x')"}) as folder:
        for arguments in (["config", "agent.lua"], ["check", "agent.lua"], ["check", "broken.lua"], ["config", "broken.lua"]):
            done = command(*arguments, folder=folder, environment=environment)
            assert "sesame" not in done.stdout + done.stderr, done
        wrong = {"METABASE_URL": "ftp://user:sesame-1@host?token=sesame-2", "DB_PORT": "sesame@sesame"}
        done = command("check", "agent.lua", folder=folder, environment=wrong)
        assert done.returncode == 1 and "sesame-" not in done.stdout + done.stderr, done


def registry(folder):
    return pathlib.Path(folder) / f"agenthost-{os.geteuid()}"


def send(environment, *arguments):
    return command("send", "event:custom_event", "{}", *arguments, environment=environment)


@case("the registry is the user's alone: folder 0700, socket and entry 0600")
def registry_modes():
    with scripts_folder({}) as runtime:
        environment = {"XDG_RUNTIME_DIR": str(runtime)}
        with Host(AGENT, environment=environment) as host:
            equal(registry(runtime).stat().st_mode & 0o777, 0o700)
            for name in (f"{host.pid}.sock", f"{host.pid}.json"):
                until((registry(runtime) / name).exists, name)
                equal((registry(runtime) / name).stat().st_mode & 0o777, 0o600, name)
            equal(send(environment).returncode, 0)
        equal(list(registry(runtime).iterdir()), [])


@case("a registry that cannot be trusted, or not be had, is said once; the host serves, and send refuses it")
def registry_refused():
    def wide(folder):
        registry(folder).mkdir(mode=0o700)
        registry(folder).chmod(0o770)

    def link(folder):
        (folder / "elsewhere").mkdir(mode=0o700)
        registry(folder).symlink_to(folder / "elsewhere")

    def file(folder):
        registry(folder).write_text("")

    def foreign(folder):
        registry(folder).mkdir(mode=0o700)
        os.chown(registry(folder), 12345, 12345)

    for make, words in ((wide, "open to other users"), (link, "is no folder"), (file, "is no folder"),
                        (foreign, "belongs to another user")):
        if make is foreign and os.geteuid() != 0:
            continue
        with scripts_folder({}) as runtime:
            make(runtime)
            # What another user could have put there: this process, with brokers of its own.
            forged = registry(runtime) / f"{os.getpid()}.json"
            if registry(runtime).is_dir():
                forged.write_text(json.dumps({"report": {"http": None, "kafka": "127.0.0.1:9", "mqtt": None, "pid": os.getpid()}}))
            environment = {"XDG_RUNTIME_DIR": str(runtime)}
            done = send(environment)
            equal(done.returncode, 1, done)
            assert words in done.stderr and "ready file" in done.stderr, done
            with Host(AGENT, environment=environment) as host:
                equal(host.get("/health").status, 200)
                equal([words in line for line in host.output().splitlines() if "`agenthost send`" in line], [True])
    for runtime in ("/nowhere/at/all", "/tmp/" + "x" * 120):
        with contextlib.ExitStack() as stack:
            if runtime.startswith("/tmp"):
                os.mkdir(runtime)
                stack.callback(lambda: subprocess.run(["rm", "-r", runtime], check=True))
            with Host(AGENT, environment={"XDG_RUNTIME_DIR": runtime}) as host:
                equal(host.get("/health").status, 200)
                lines = [line for line in host.output().splitlines() if "`agenthost send`" in line]
                equal(len(lines), 1, host.output())
                assert "NIO" not in lines[0] and "Error" not in lines[0], lines


@case("entries of processes that are gone are swept; a process number that is somebody else's now is noticed")
def registry_swept():
    with scripts_folder({}) as runtime:
        environment = {"XDG_RUNTIME_DIR": str(runtime)}
        registry(runtime).mkdir(mode=0o700)
        gone = subprocess.Popen(["true"])
        gone.wait()
        for name, pid in [(f"{4000000 + number}", 4000000 + number) for number in range(150)] + [(f"{gone.pid}", gone.pid)]:
            report = {"http": None, "kafka": None, "mqtt": None, "pid": pid}
            (registry(runtime) / f"{name}.json").write_text(json.dumps({"report": report, "started": 1}))
            (registry(runtime) / f"{name}.sock").write_text("")
        other = {"report": {"http": None, "kafka": None, "mqtt": None, "pid": os.getpid()}, "started": 1}
        (registry(runtime) / f"{os.getpid()}.json").write_text(json.dumps(other))
        done = send(environment)
        assert done.returncode == 1 and "no host runs" in done.stderr, done
        with Host(AGENT, environment=environment) as host:
            until((registry(runtime) / f"{host.pid}.json").exists, "the entry")
            equal({path.name for path in registry(runtime).iterdir()}, {f"{host.pid}.json", f"{host.pid}.sock"})
            with Host(AGENT, environment=environment) as newer:
                until((registry(runtime) / f"{newer.pid}.json").exists, "the other entry")
                with newer.websocket("/ws") as client, host.websocket("/ws") as earlier:
                    client.receive("connection_established")
                    equal(send(environment).returncode, 0)
                    client.receive("realtime_event", lambda m: m["payload"]["event_type"] == "custom_event")
                    equal(send(environment, "--ready-file", host.ready_file).returncode, 0)
                    earlier.receive("realtime_event", lambda m: m["payload"]["event_type"] == "custom_event")


@case("an empty, a relative or an absent TMPDIR puts nothing into the root folder or where the host was started")
def temporary_folder():
    for value in ("", "here", None):
        with scripts_folder({"agent.lua": AGENT}) as folder:
            (folder / "here").mkdir()
            environment = clean_environment({"TMPDIR": value} if value is not None else {})
            if value is None:
                environment.pop("TMPDIR", None)
            before = set(os.listdir("/"))
            log = open(folder / "log.txt", "wb")
            process = subprocess.Popen(
                [program(), "run", "agent.lua", "--port", "0", "--ready-file", "ready.json"], env=environment, cwd=folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                until((folder / "ready.json").exists, f"ready: {(folder / 'log.txt').read_text()}", 30)
                equal(set(os.listdir("/")), before)
                equal(os.listdir(folder / "here"), [])
                equal({name for name in os.listdir(folder)}, {"agent.lua", "here", "log.txt", "ready.json"})
            finally:
                process.terminate()
                equal(process.wait(20), 0)


@case("on loopback a request for a name that is not the host's own is 421, upgrades and streams too")
def misdirected():
    from websockets.exceptions import InvalidStatus

    with Host(AGENT, environment={"ALLOWED_HOSTS": "app.example, *.ward.example"}) as host:
        with host.raw() as raw:
            for asked, status in (("evil.example", 421), ("evil.example:80", 421), ("localhost.evil.example", 421), ("", 421),
                                  ("127.0.0.1", 200), ("LOCALHOST:1", 200), ("localhost.", 200), ("[::1]:80", 200),
                                  ("app.example:443", 200), ("a.ward.example", 200), ("ward.example", 421)):
                for path in ("/health", "/nowhere") if status == 421 else ("/health",):
                    raw.send(f"GET {path} HTTP/1.1\r\nHost: {asked}\r\n\r\n".encode())
                    answer = raw.response()
                    equal(answer.status, status, asked)
                    if status == 421:
                        assert "ALLOWED_HOSTS" in answer.json["detail"], answer
            raw.send(b"GET /health HTTP/1.0\r\n\r\n")
            equal(raw.response().status, 200)
        for path in ("/stream/events", "/ws"):
            with host.raw() as raw:
                raw.send((f"GET {path} HTTP/1.1\r\nHost: evil.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
                equal(raw.response().status, 421)
        try:
            host.websocket("/ws", additional_headers={"Host": "evil.example"}).close()
        except InvalidStatus as error:
            equal(error.response.status_code in (400, 421), True)
    with Host(AGENT, arguments=["--host", "0.0.0.0"]) as host:
        with RawTo("127.0.0.1", int(host.ready["http"].rpartition(":")[2])) as raw:
            raw.send(b"GET /health HTTP/1.1\r\nHost: any.example\r\n\r\n")
            equal(raw.response().status, 200)


def RawTo(host, port):
    from support import RawConnection

    return RawConnection((host, port))


@case("a page elsewhere writes nothing: neither by its origin nor by a content type that needs no asking")
def cross_site():
    with Host(AGENT) as host, host.websocket("/ws") as client:
        client.receive("connection_established")
        client.send("subscribe", {"topic": "a"})
        client.receive("subscription_confirmed", lambda m: m["payload"]["topic"] == "a")
        body = b'{"query": "written"}'
        own = f"http://127.0.0.1:{host.port}"
        for path in ("/echo", "/any", "/realtime/broadcast", "/realtime/topic/a"):
            for content_type in (None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp",
                                 "text/plain; charset=application/json"):
                headers = {"Content-Type": content_type} if content_type else {}
                equal(host.post(path, data=body, headers=headers).status, 415, f"{path} {content_type}")
            for content_type in ("application/json", "application/json; charset=utf-8", "APPLICATION/JSON",
                                 "application/vnd.ward+json"):
                for origin in ("https://evil.example", "null", "http://evil.example#.localhost", "http://127.0.0.1.evil.example"):
                    answer = host.post(path, data=body, headers={"Content-Type": content_type, "Origin": origin})
                    equal(answer.status, 403, f"{path} {origin}")
                for origin in (own, None):
                    headers = {"Content-Type": content_type, **({"Origin": origin} if origin else {})}
                    equal(host.post(path, data=body, headers=headers).status, 200, f"{path} {content_type} {origin}")
        equal(host.get("/ask?query=x", headers={"Origin": "https://evil.example"}).status, 403)
        equal(host.get("/ask?query=x").json["result"], "x")
        # Every message that came is one of those that were let in: 4 content types, 2 origins, 2 routes.
        kinds = [message["message_type"] for message in client.before_pong()]
        equal((kinds.count("broadcast"), kinds.count("topic_message")), (8, 8))
    with Host(AGENT, environment={"ALLOWED_ORIGINS": "https://App.Example:443/", "ALLOW_CREDENTIALS": "true"}) as host:
        for origin, status in (("https://app.example", 200), ("http://localhost:3000", 403), (f"http://127.0.0.1:{host.port}", 200)):
            answer = host.post("/echo", {"query": "x"}, headers={"Origin": origin})
            equal(answer.status, status, origin)
            named = origin == "https://app.example"
            equal(answer.headers.get("access-control-allow-origin"), origin if named else None)
            equal(answer.headers.get("access-control-allow-credentials"), "true" if named else None)


@case("origins and hosts that no browser could send are refused at the start, in words")
def wrong_settings():
    with scripts_folder({"agent.lua": AGENT}) as folder:
        for name, value in (
                ("ALLOWED_ORIGINS", "null"), ("ALLOWED_ORIGINS", "https://*.example.com"), ("ALLOWED_ORIGINS", "example.com"),
                ("ALLOWED_ORIGINS", "https://a.example/app"), ("ALLOWED_ORIGINS", "http://evil.example#.localhost"),
                ("ALLOWED_ORIGINS", "https://a.example?x"), ("ALLOWED_ORIGINS", "https://user@a.example"),
                ("ALLOWED_ORIGINS", "https://a.example:99999"), ("ALLOWED_ORIGINS", "https://bücher.example"),
                ("ALLOWED_HOSTS", "http://a.example"), ("ALLOWED_HOSTS", "a.example:80"), ("ALLOWED_HOSTS", "a.*.example"),
                ("MAX_CONNECTIONS", "0"), ("MAX_MESSAGE_BYTES", "lots"), ("ALLOW_CREDENTIALS", "perhaps")):
            done = command("run", "agent.lua", "--port", "0", "--no-embedded", folder=folder, environment={name: value})
            equal(done.returncode, 1, f"{name}={value}: {done}")
            assert name in done.stderr and "expected" in done.stderr, done
        done = command("run", "agent.lua", "--port", "0", folder=folder,
                       environment={"ALLOWED_ORIGINS": "*", "ALLOW_CREDENTIALS": "true"})
        assert done.returncode == 1 and "ALLOW_CREDENTIALS" in done.stderr, done


@case("subscriptions with names of 900 KB take no memory, and the connections page stays small")
def long_names():
    with Host(AGENT) as host, host.websocket("/ws") as client:
        client.receive("connection_established")
        before = host.memory()[0]
        for number in range(30):
            client.send("subscribe", {"topic": f"{number}" + "x" * 900_000})
            answer = client.next()
            while answer["message_type"] != "error":
                answer = client.next()
            equal(answer["payload"]["error"], "The topic is longer than 1024 bytes")
        began = time.monotonic()
        page = host.get("/realtime/connections")
        took = time.monotonic() - began
        grown = host.memory()[1] - before
        note(f"{grown:.0f} MiB more, {len(page.body)} bytes in {took * 1000:.0f} ms")
        equal(page.json["total_topics"], 0)
        assert grown < 40 and len(page.body) < 10_000 and took < 1, (grown, len(page.body), took)
    with Host(AGENT) as host, contextlib.ExitStack() as stack:
        # Names as long, and as many, as they may be.
        clients = [stack.enter_context(host.websocket("/ws")) for _ in range(10)]
        for index, client in enumerate(clients):
            for number in range(1100):
                client.send("subscribe", {"topic": f"{index}-{number}-".ljust(1024, "x")})
            kinds = [message["message_type"] for message in client.before_pong(60)]
            equal((kinds.count("subscription_confirmed"), kinds.count("error")), (1024, 76))
        began = time.monotonic()
        page = host.get("/realtime/connections")
        took = time.monotonic() - began
        note(f"10,240 topics: {len(page.body)} bytes in {took * 1000:.0f} ms, {host.memory()[1]:.0f} MiB at most")
        equal((page.json["total_topics"], page.json["total_subscriptions"], len(page.json["topics"])), (10240, 10240, 100))
        details = page.json["connection_details"]
        equal([len(one["subscriptions"]) + one.get("more_subscriptions", 0) for one in details], [1024] * 10)
        assert len(page.body) < 2_000_000 and took < 2, (len(page.body), took)
        equal(len(host.get("/realtime/connections?limit=1000&offset=9500").json["topics"]), 740)
        equal(host.get("/realtime/connections?limit=lots").status, 422)


@case("unfinished messages and bodies of many clients have a limit together")
def unfinished():
    def frame(size):
        """The head of a masked binary frame."""
        return b"\x02\xff" + size.to_bytes(8, "big") + b"\0\0\0\0"

    with Host(AGENT) as host, contextlib.ExitStack() as stack:
        before = host.memory()[0]
        part = b" " * ((2 << 20) - 1)
        refused = []
        for number in range(60):
            raw = stack.enter_context(host.raw())
            raw.socket.settimeout(0.2)
            try:
                if number % 2:
                    raw.send(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2097152\r\n\r\n" + part)
                else:
                    raw.send(b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                    raw.socket.recv(4096)
                    raw.send(frame(2 << 20) + part)
            except OSError:
                refused.append(number)
        time_limit = time.monotonic() + 10
        while time.monotonic() < time_limit and host.memory()[0] == before:
            pass
        grown = host.memory()[1] - before
        note(f"{grown:.0f} MiB for 60 clients with 2 MiB each begun")
        assert grown < 200, grown
        equal(host.task("/echo", query="still here"), "still here")


@case("MAX_MESSAGE_BYTES holds for HTTP bodies and WebSocket messages alike")
def message_size():
    from websockets.exceptions import ConnectionClosed

    for environment, limit in (({}, 2 << 20), ({"MAX_MESSAGE_BYTES": "4096"}, 4096)):
        with Host(AGENT, environment=environment) as host:
            fits = json.dumps({"message_type": "ping", "payload": {}}).ljust(limit)
            with host.websocket("/ws") as client:
                client.connection.send(fits)
                client.receive("pong")
                client.connection.send(fits + " ")
                try:
                    while True:
                        client.connection.recv(timeout=10)
                except ConnectionClosed as error:
                    equal(error.rcvd.code, 1009)
            headers = {"Content-Type": "application/json"}
            equal(host.post("/echo", data=b'{"query": ""}'.ljust(limit), headers=headers).status, 200)
            equal(host.post("/echo", data=b'{"query": ""}'.ljust(limit + 1), headers=headers).status, 413)


@case("with the file descriptors used up the host waits without spinning, warns once, and serves again")
def descriptors():
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))

    for environment in ({}, {"MAX_CONNECTIONS": "5000"}):
        with scripts_folder({"agent.lua": AGENT}) as folder:
            log = open(folder / "log.txt", "wb")
            process = subprocess.Popen(
                [program(), "run", "agent.lua", "--port", "0", "--no-embedded", "--ready-file", "ready.json"],
                env=clean_environment(environment), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=few)
            try:
                until((folder / "ready.json").exists, "ready", 30)
                port = int(json.loads((folder / "ready.json").read_text())["http"].rpartition(":")[2])
                connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(400)]
                connections[0].settimeout(10)
                connections[0].sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert connections[0].recv(4096).startswith(b"HTTP/1.1 200"), "an open connection is served"
                until(lambda: b"no connections are accepted" in (folder / "log.txt").read_bytes(), "the warning")

                def used():
                    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
                    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

                before = used()
                threading.Event().wait(2)
                spent = used() - before
                note(f"{spent / 2 * 100:.0f} % of a core with {len(os.listdir(f'/proc/{process.pid}/fd'))} descriptors open")
                assert spent < 0.4, spent
                if environment:
                    body = b'{"query": "http://127.0.0.1:9/"}'
                    connections[0].sendall(b"POST /fetch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                           b"Content-Length: %d\r\n\r\n" % len(body) + body)
                    assert b"no file descriptor is left" in connections[0].recv(4096), "a request of a script fails at once"
                connections[399].settimeout(20)
                connections[399].sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                for connection in connections[:399]:
                    connection.close()
                assert connections[399].recv(4096).startswith(b"HTTP/1.1 200"), "who waited is served"
                connections[399].close()
                text = (folder / "log.txt").read_text()
                equal(text.count("no connections are accepted"), 1, text)
            finally:
                process.terminate()
                equal(process.wait(20), 0)


@case("control characters of clients, scripts and files are escaped, in the log and in what commands print")
def control_characters():
    hostile = "a\x1b[31mred\x1b]0;title\x07\x9b31m\x7f\r\n2030-01-01 ERROR forged\u202e\u2028"
    with Host(AGENT) as host:
        host.task("/say", query=hostile)
        equal(host.post("/fail", {"query": hostile}).status, 500)
        with host.websocket("/ws") as client:
            client.send(hostile, {"topic": hostile})
            client.receive("error")
        host.stop()
        text = host.output()
        assert "\\u001b[31mred" in text and "\\u009b31m\\u007f\\r\\n" in text, text
        for line in text.splitlines():
            assert not line.startswith("2030-01-01"), line
        equal(sorted(set(re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e]", text))), [], text)
    quoted = json.dumps(hostile)[1:-1].replace("\\u001b", "\\27").replace("\\u0007", "\\7").replace("\\u009b", "\\u{9b}")
    quoted = quoted.replace("\\u007f", "\\127").replace("\\u202e", "\\u{202e}").replace("\\u2028", "\\u{2028}")
    script = f"""
local agent = agenthost.realtime_agent {{ name = "x", config = {{ agent_type = "{quoted}" }} }}
agent:on_event("{quoted}", function() end)
agent:on_websocket("{quoted}", function() end)
"""
    tests = f"""
agenthost.test("{quoted}", function() print("{quoted}") error("{quoted}") end)
"""
    with scripts_folder({"agent.lua": script, "broken.lua": f'error("{quoted}")', "x_test.lua": tests}) as folder:
        for arguments in (["check", "agent.lua"], ["check", "broken.lua"], ["config", "agent.lua"], ["config", "broken.lua"],
                          ["test", "x_test.lua"], ["send", f"kafka:{hostile}", "{}"], ["check", "no\x1b[31m.lua"]):
            done = command(*arguments, folder=folder)
            for text in (done.stdout, done.stderr):
                equal(sorted(set(re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e]", text))), [], f"{arguments}: {text}")


@case("agenthost.http refuses link-local and metadata addresses in every form, unless the agent declares them")
def metadata_addresses():
    refused = ("169.254.169.254", "169.254.170.2", "2852039166", "0xA9FEA9FE", "0251.0376.0251.0376", "169.254.43518",
               "169.254.169.254.", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[fe80::1]", "100.100.100.200",
               "[fd00:ec2::254]", "[64:ff9b::169.254.169.254]", "user@169.254.169.254")
    with Host(AGENT) as host:
        for address in refused:
            for scheme in ("http", "https"):
                answer = host.task("/fetch", query=f"{scheme}://{address}/latest/meta-data/")
                assert "allow = {" in (answer.get("message") or ""), f"{address}: {answer}"
        answer = host.task("/fetch", query="http://127.0.0.1:9/")
        assert answer["message"] and "allow" not in answer["message"], answer
    allowed = AGENT.replace('name = "guarded",', 'name = "guarded", http = { allow = { "169.254.169.254" } },')
    with Host(allowed) as host:
        answer = host.task("/fetch", query="http://169.254.169.254:9/")
        assert "allow = {" not in (answer.get("message") or ""), answer
        answer = host.task("/fetch", query="http://169.254.169.253/")
        assert "allow = {" in answer["message"], answer
    with scripts_folder({"agent.lua": AGENT.replace('name = "guarded",', 'name = "x", http = { allow = { "a.example" } },')}) as folder:
        done = command("check", "agent.lua", folder=folder)
        assert done.returncode == 1 and "IP address" in done.stderr, done


@case("the address that is connected to decides: names and redirects that lead to a metadata address are refused")
def metadata_connected():
    if os.geteuid() != 0:
        note("needs root for a network of its own: skipped")
        return
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = in_network_of_its_own()
        except Exception as error:  # the parent tells
            print(f"        {error!r}", flush=True)
        os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 3:
        note("no network of its own may be made here: skipped")
    else:
        equal(code, 0)


def in_network_of_its_own():
    """A loopback with 169.254.169.254 on it, and names that lead there; 3 when that may not be made."""
    import ctypes
    import fcntl
    import http.server
    import struct

    new_mounts, new_network = 0x20000, 0x40000000
    if ctypes.CDLL(None, use_errno=True).unshare(new_mounts | new_network) != 0:
        return 3
    with scripts_folder({"hosts": "127.0.0.1 localhost\n169.254.169.254 meta.test\n169.254.77.77 nowhere.test\n"}) as folder:
        for arguments in (["mount", "--make-rprivate", "/"], ["mount", "--bind", str(folder / "hosts"), "/etc/hosts"]):
            if subprocess.run(arguments, stderr=subprocess.DEVNULL).returncode != 0:
                return 3
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            # SIOCSIFFLAGS, up and running; SIOCSIFADDR of an alias.
            fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
            address = socket.inet_aton("169.254.169.254")
            fcntl.ioctl(control, 0x8916, struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, address))
        asked = []

        class Server(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.server.server_address[0])
                target = self.path.removeprefix("/to/") if self.path.startswith("/to/") else None
                self.send_response(302 if target else 200)
                if target:
                    self.send_header("Location", f"http://{target}/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        for host in ("127.0.0.1", "169.254.169.254"):
            server = http.server.ThreadingHTTPServer((host, 8081), Server)
            threading.Thread(target=server.serve_forever, daemon=True).start()
        urls = ("http://meta.test:8081/", "http://127.0.0.1:8081/to/meta.test:8081", "http://meta.test:9/", "http://nowhere.test/",
                "http://127.0.0.1:8081/to/169.254.169.254:8081")
        with Host(AGENT) as host:
            for url in urls:
                answer = host.task("/fetch", query=url)
                assert "allow = {" in (answer.get("message") or ""), f"{url}: {answer}"
            assert "169.254.169.254" not in asked, asked
        allowed = AGENT.replace('name = "guarded",', 'name = "guarded", http = { allow = { "169.254.169.254" } },')
        with Host(allowed) as host:
            equal([host.task("/fetch", query=url).get("status") for url in urls[:2]], [200, 200])
    return 0


run()
