"""What an orchestrator and an operator see: probes, and a stop that answers whom it cuts off."""

import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import signal
import socket
import struct
import time

from support import *

AGENT = """
local agent = agenthost.realtime_agent {
  name = "operated",
  endpoints = { { path = "/sleep", task_type = "sleep" }, { path = "/wait", task_type = "wait" } },
  websocket_endpoints = { { path = "/raw", on_message = function(client, data) agenthost.sleep(60) end } },
}
agent:task("sleep", function(task)
  agenthost.sleep(task.parameters.seconds)
  return "slept"
end)
local function wait_for_the_test()
  while not agenthost.file.read("go.txt") do agenthost.sleep(0.02) end
end
agent:task("wait", function() wait_for_the_test() return "waited" end)
agent:on_stop(function() agenthost.log.info("on_stop has run") end)
"""


def sleep_request(seconds):
    body = json.dumps({"query": "", "parameters": {"seconds": seconds}}).encode()
    return (b"POST /sleep HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
            + str(len(body)).encode() + b"\r\n\r\n" + body)


def started(client):
    """The next task that begins, as a WebSocket client sees it."""
    return client.receive("realtime_event", lambda m: m["payload"]["event_type"] == "agent_task_started")


def stopping(answer):
    """503 as the contract words it."""
    equal(answer.status, 503, f"{answer!r}")
    equal(answer.json, {"detail": "The service is stopping"})
    equal(answer.headers["retry-after"], "1")


@case("tasks cut off at the stop are answered 503: one that runs, pipelined ones, those that wait, and on a WebSocket")
def cut_off():
    with Host(AGENT, arguments=["--grace", "1"], environment={"MAX_CONCURRENT_TASKS": "3"}) as host:
        client, raw_client = host.websocket("/ws"), host.websocket("/raw")
        client.receive("connection_established")
        asked = client.send("agent_request", {"query": "q", "task_type": "sleep", "parameters": {"seconds": 60}})
        raw_client.connection.send("x")
        running = host.raw()
        running.send(sleep_request(60))
        pipelined = host.raw()
        pipelined.send(sleep_request(60) * 3)
        for _ in range(3):
            started(client)
        queued = host.raw()
        queued.send(sleep_request(60))
        # Whoever comes later is answered: what came before has been read.
        host.get("/health")
        began = time.monotonic()
        host.signal(signal.SIGTERM)
        for raw, count in ((running, 1), (queued, 1), (pipelined, 3)):
            answers = [raw.response() for _ in range(count)]
            for answer in answers:
                stopping(answer)
            equal([answer.headers.get("connection") for answer in answers], [None] * (count - 1) + ["close"])
            assert raw.is_closed(), "there is more than the answers"
        answer = client.receive("agent_response", lambda m: m["response_to"] == asked)["payload"]
        equal((answer["success"], answer["error"]), (False, "The service is stopping"))
        equal(client.close_code(), 1001)
        equal(raw_client.close_code(), 1001)
        equal(host.stop(), 0)
        assert time.monotonic() - began >= 0.8, "they had no time"
        assert "on_stop has run" in host.output(), host.output()
        assert "stopping without waiting longer" in host.output() and "queued_tasks=1" in host.output(), host.output()


@case("a task that ends within the grace is answered; meanwhile /readyz and new requests are 503, and /livez is 200")
def drains():
    with Host(AGENT, environment={"GRACE": "60"}) as host:
        equal(host.get("/readyz").json, {"status": "ready"})
        equal(host.get("/livez").json, {"status": "alive"})
        raw, kept, client = host.raw(), host.raw(), host.websocket("/ws")
        client.receive("connection_established")
        raw.send(b"POST /wait HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"
                 b'{"query":""}')
        started(client)
        kept.send(b"GET /readyz HTTP/1.1\r\nHost: 10.0.0.7:8080\r\n\r\n")
        equal(kept.response().status, 200)
        host.signal(signal.SIGTERM)
        until(lambda: host.get("/readyz").status == 503, "draining")
        equal(host.get("/readyz").json, {"status": "stopping"})
        equal(host.request("HEAD", "/readyz").status, 503)
        equal(host.get("/livez").status, 200)
        stopping(host.post("/sleep", {"query": "", "parameters": {"seconds": 0}}))
        kept.send(b"GET /readyz HTTP/1.1\r\nHost: 10.0.0.7:8080\r\n\r\n")
        answer = kept.response()
        equal((answer.status, answer.headers["connection"]), (503, "close"))
        (host.folder / "go.txt").write_text("go")
        answer = raw.response()
        equal((answer.status, answer.json["result"]), (200, "waited"))
        equal(host.stop(), 0)


@case("/readyz is 503 while on_start runs, and 200 when the ready file is there")
def starts():
    agent = AGENT + "agent:on_start(wait_for_the_test)\n"
    with scripts_folder({"agent.lua": agent}) as folder:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with Running(["run", "agent.lua", "--port", port, "--no-embedded"], folder, wait=False) as host:
            def ask(path):
                with contextlib.suppress(OSError):
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                    connection.request("GET", path)
                    answer = connection.getresponse()
                    return answer.status, json.loads(answer.read())

            equal(until(lambda: ask("/readyz"), "it listens"), (503, {"status": "starting"}))
            equal(ask("/livez"), (200, {"status": "alive"}))
            (folder / "go.txt").write_text("go")
            host.wait_ready()
            equal(ask("/readyz"), (200, {"status": "ready"}))


HANGUPS = """
local agent = agenthost.agent { name = "hangups" }
local function wait_for(file)
  agenthost.log.info("waits for " .. file)
  while not agenthost.file.read(file) do agenthost.sleep(0.02) end
end
agent:on_start(function() wait_for("go.txt") end)
agent:on_stop(function() wait_for("end.txt") end)
"""


@case("SIGHUP ends neither a host that starts, which reloads once it serves, nor one that stops")
def hangups():
    with Host(HANGUPS, wait=False) as host:
        until(lambda: "waits for go.txt" in host.output(), "it starts")
        host.signal(signal.SIGHUP)
        (host.folder / "go.txt").write_text("go")
        host.wait_ready()
        until(lambda: host.health()["script"]["generation"] > 1, "the reload that was asked for")
        host.signal(signal.SIGTERM)
        until(lambda: "waits for end.txt" in host.output(), "it stops")
        host.signal(signal.SIGHUP)
        host.signal(signal.SIGUSR1)
        (host.folder / "end.txt").write_text("end")
        equal(host.stop(), 0)


@case("a stop while on_start runs gives the start up, and is a clean one")
def stopped_start():
    for arguments in ([], ["--workers", "2"]):
        with Host(HANGUPS, wait=False, arguments=arguments) as host:
            until(lambda: "waits for go.txt" in host.output(), "it starts")
            equal(host.stop(timeout=15), 0)
            assert "the start was given up reason=\"the host is stopping\"" in host.output(), host.output()
            assert "stopped cleanly" in host.output() and "waits for end.txt" not in host.output(), host.output()
            assert not host.ready_file.exists()


CALLER = """
local agent = agenthost.agent { name = "caller", endpoints = { { path = "/call", task_type = "call" } } }
agent:task("call", function(task)
  agenthost.log.info("calls")
  return agenthost.http.get(task.query)
end)
"""


@case("a stop does not wait for a connection of a script's that is still being made")
def connecting():
    with contextlib.ExitStack() as stack:
        deaf = stack.enter_context(socket.socket())
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(3):  # what it has room for; further ones get no answer at all
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(deaf.getsockname())
        with Host(CALLER, arguments=["--grace", "0"]) as host:
            client = host.raw()
            body = json.dumps({"query": f"http://127.0.0.1:{deaf.getsockname()[1]}/"}).encode()
            client.send(b"POST /call HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
                        + str(len(body)).encode() + b"\r\n\r\n" + body)
            until(lambda: " calls " in host.output(), "the task calls")
            # It may take 10 s to find out that nobody answers.
            equal(host.stop(timeout=7), 0)
            stopping(client.response())


@case("a grace of the wrong kind is exit 2 with words, in the environment 1")
def wrong_grace():
    with scripts_folder({"agent.lua": AGENT}) as folder:
        for value in ("soon", "1e9", "nan", "-1"):
            done = command("run", "agent.lua", "--grace", value, folder=folder)
            equal((done.returncode, done.stderr.strip()),
                  (2, f"agenthost: GRACE={value} (flag): expected a number of seconds from 0 to 86400"))
        done = command("run", "agent.lua", "--port", "-1", folder=folder)
        equal((done.returncode, done.stderr.strip()),
              (2, "agenthost: PORT=-1 (flag): expected a whole number from 0 to 65535"))
        done = command("run", "agent.lua", folder=folder, environment={"GRACE": "soon"})
        equal(done.returncode, 1)
        assert "GRACE=soon" in done.stderr, done.stderr


def access_lines(host):
    return [line for line in (json.loads(line) for line in host.output().splitlines() if line.startswith("{"))
            if line["message"] == "request"]


@case("the access log has a line for each request at its end, without its query, and none unless it is asked for")
def access_log():
    with Host(AGENT) as host:
        host.get("/health")
        assert "request" not in host.output(), host.output()
    with Host(AGENT, arguments=["--access-log", "--log-format", "json", "--log-level", "error"]) as host:
        host.task("/sleep", {"seconds": 0}, headers={"User-Agent": 'curl/8 "quoted"\t', "Content-Type": "application/json"})
        host.get("/nowhere/token-in-a-path?token=secret")
        with host.raw() as raw:
            raw.send(b"GET /health?access_token=secret HTTP/1.1\r\nHost: localhost\r\n\r\nGARBAGE\r\n\r\n")
            equal([raw.response().status, raw.response().status], [200, 400])
        with host.websocket("/ws?access_token=secret") as client:
            client.receive("connection_established")
            equal([line for line in access_lines(host) if line.get("path") == "/ws"], [], "not before its end")
        with host.stream("/stream/topic/a%20b"):
            pass
        gone = host.raw()
        with host.websocket("/ws") as client:
            client.receive("connection_established")
            gone.send(sleep_request(60))
            started(client)
        # A reset: who only ends its own side may still wait for the answer.
        gone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gone.socket.close()

        def line(**fields):
            return until(lambda: next((one for one in access_lines(host) if fields.items() <= one.items()), None),
                         f"{fields} in {host.output()}")

        done = line(path="/sleep", status=200)
        equal(sorted(done), ["bytes", "duration_ms", "level", "message", "method", "path", "peer", "route", "status",
                             "time", "user_agent"])
        equal((done["method"], done["route"], done["user_agent"]), ("POST", "/sleep", 'curl/8 "quoted"'))
        assert isinstance(done["bytes"], int) and done["bytes"] > 50, done
        assert 0 < done["duration_ms"] < 30_000 and done["peer"].startswith("127.0.0.1:"), done
        equal(line(status=404)["route"], "unknown")
        equal(line(status=400)["method"], "other")
        line(path="/health", route="/health", status=200)
        assert line(path="/ws", status=101)["bytes"] > 100
        line(path="/stream/topic/a%20b", route="/stream/topic/{topic:path}", status=200)
        assert line(path="/sleep", status=499)["duration_ms"] > 0
        assert "secret" not in host.output(), host.output()
        host.kill()
        host.was_killed = True


LOGGING = """
local agent = agenthost.agent { name = "logging", endpoints = {
  { path = "/detail", task_type = "detail" }, { path = "/fails", task_type = "fails" } } }
agent:task("detail", function() agenthost.log.debug("a detail") end)
agent:task("fails", function(task)
  agenthost.log.error("its own line", { n = task.parameters.n, text = tostring(task.parameters.n) })
  error("no such device " .. task.parameters.n)
end)
"""


@case("SIGUSR1 takes the log to debug and back, and says so")
def level():
    with Host(LOGGING, environment={"LOG_LEVEL": "error"}) as host:
        host.task("/detail")
        host.signal(signal.SIGUSR1)
        until(lambda: "NOTICE the log's level is debug now; SIGUSR1 takes it back to error" in host.output(), "debug")
        host.task("/detail")
        until(lambda: host.output().count("a detail") == 1, "told")
        host.signal(signal.SIGUSR1)
        until(lambda: "NOTICE the log's level is error now" in host.output(), "back")
        host.task("/detail")
        host.get("/health")
        equal(host.output().count("a detail"), 1)


@case("the level that a script's config table names is that of the log, from the load on and after an edit")
def level_of_script():
    table = 'agenthost.agent { name = "logging", config = { log_level = "%s" }, '
    with Host(LOGGING.replace('agenthost.agent { name = "logging", ', table % "debug")) as host:
        host.task("/detail")
        until(lambda: host.output().count("a detail") == 1, "told")
        generation = host.health()["script"]["generation"]
        host.script.write_text(LOGGING.replace('agenthost.agent { name = "logging", ', table % "error"))
        until(lambda: host.health()["script"]["generation"] > generation, "the edit")
        host.task("/detail")
        equal(host.post("/fails", {"query": "", "parameters": {"n": 1}}).status, 500)
        until(lambda: "its own line" in host.output(), "an error is still told")
        equal(host.output().count("a detail"), 1)


@case("the same trouble is told once a second and counted, and no line of a script is left out")
def repeated():
    count = 300
    with Host(LOGGING, arguments=["--log-format", "json"]) as host:
        connection = http.client.HTTPConnection(*host.address, timeout=30)
        began = time.monotonic()
        for number in range(count):
            connection.request("POST", "/fails", json.dumps({"query": "", "parameters": {"n": number}}),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            equal(answer.status, 500)
        seconds = time.monotonic() - began
        equal(host.stop(), 0)
        lines = [json.loads(line) for line in host.output().splitlines() if line.startswith("{")]
        own = [line for line in lines if line["message"] == "its own line"]
        equal([(line["n"], line["text"]) for line in own], [(number, str(number)) for number in range(count)])
        told = [line for line in lines if "no such device" in line["message"]]
        equal(sum(1 + line.get("more_in_the_last_second", 0) for line in told), count, f"{told}")
        assert 2 <= len(told) <= seconds + 3, f"{len(told)} lines in {seconds} s"


class FrozenThread:
    """One thread of a process, stopped as a debugger stops it; the others go on (ptrace(2))."""

    SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000

    def __init__(self, thread):
        self.thread = thread
        self.libc = ctypes.CDLL(None, use_errno=True)

    def _ask(self, request):
        if self.libc.ptrace(request, self.thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def __enter__(self):
        self._ask(self.SEIZE)
        self._ask(self.INTERRUPT)
        os.waitpid(self.thread, self.WALL)
        return self

    def __exit__(self, *_):
        self._ask(self.DETACH)


@case("a loop that stands still for more than 10 s makes /livez of the others 503, and is named")
def stuck():
    with Host(AGENT, arguments=["--workers", "3"]) as host:
        tasks = pathlib.Path(f"/proc/{host.pid}/task")
        loops = sorted((thread for thread in tasks.iterdir() if (thread / "comm").read_text().startswith("NIO-ELT-")),
                       key=lambda thread: (thread / "comm").read_text())
        equal(len(loops), 3)

        def live():
            # A connection that the frozen loop got is not answered.
            with contextlib.suppress(TimeoutError):
                return host.get("/livez", timeout=0.5)

        equal(until(live, "it answers").status, 200)
        began = time.monotonic()
        frozen = FrozenThread(int(loops[1].name))
        try:
            frozen.__enter__()
        except PermissionError:
            return note("this machine lets no process stop a thread of another (ptrace): skipped")
        with contextlib.ExitStack() as stack:
            stack.push(frozen)
            answer = until(lambda: (answer := live()) and answer.status == 503 and answer, "503", 60, pause=0.2)
            # It may have turned last a second before.
            assert time.monotonic() - began > 8, "too early"
            equal(answer.json["status"], "stuck")
            worker, = answer.json["workers"]
            assert worker["worker"] in range(3) and worker["silent_for"] >= 10, worker
        until(lambda: (answer := live()) and answer.status == 200, "it turns again")
        equal(host.health()["status"], "healthy")


run()
