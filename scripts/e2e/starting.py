"""What a host says of itself: when it starts, when it reloads, when it is built; to people, to pipes and to machines."""

import contextlib
import http.client
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import threading

from support import ROOT, case, clean_environment, equal, program, run, scripts_folder, until

AGENT = """
local agent = agenthost.realtime_agent {
  name = "building",
  endpoints = { { path = "/estimate", task_type = "estimate" } },
  websocket_endpoints = { { path = "/ws/rooms", auto_subscribe = { "rooms" } } },
  streaming_endpoints = { { path = "/rooms", topic = "rooms" } },
  config = { token = agenthost.setting { env = "TOKEN", secret = true } },
}
agent:task("estimate", function(task) return 1 end)
agent:on_message("building/+/temp", function(data) end)
agent:on_message("work_orders", function(data) end, { source = "kafka" })
agent:every(60, function() end)
"""


class Started:
    """A host whose two streams are kept apart; standard output is a terminal where one is asked for."""

    def __init__(self, folder, *arguments, environment=None, terminal=False):
        self.texts = {"out": b"", "err": b""}
        reading, writing = pty.openpty() if terminal else os.pipe()
        self.process = subprocess.Popen(
            [program(), "run", *arguments], cwd=folder, env=clean_environment(environment), stdin=subprocess.DEVNULL,
            stdout=writing, stderr=subprocess.PIPE)
        os.close(writing)
        self.threads = [threading.Thread(target=self._read, args=pair, daemon=True)
                        for pair in (("out", reading), ("err", self.process.stderr.fileno()))]
        for thread in self.threads:
            thread.start()

    def _read(self, name, descriptor):
        # A terminal whose other end is closed is an error, not an end.
        with contextlib.suppress(OSError):
            while data := os.read(descriptor, 65536):
                self.texts[name] += data

    @property
    def out(self):
        return self.texts["out"].decode()

    @property
    def err(self):
        return self.texts["err"].decode()

    def says(self, words, where="out", timeout=30):
        until(lambda: words in getattr(self, where), f"{words}; out {self.out!r}, err {self.err!r}", timeout)
        return self

    def end(self, number=signal.SIGTERM):
        """Stops it; its exit code, when all that it said is here."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(30)
        for thread in self.threads:
            thread.join(10)
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@case("a start says what it has started: what each agent has, what is watched, where it is reached and how it stops")
def report():
    with scripts_folder({"building.lua": AGENT}) as folder:
        with Started(folder, "building.lua", "--port", "0", environment={"TOKEN": "sesame"}) as host:
            host.says("Ctrl-C stops")
            lines = host.out.splitlines()
            for line in (
                    "  endpoint   POST /estimate  task estimate", "  websocket  /ws/rooms  topics rooms",
                    "  stream     /rooms  topic rooms", "  topic      building/+/temp  mqtt",
                    "  topic      work_orders  kafka", "  timer      every 60 s", "watching     building.lua"):
                assert line in lines, f"{line} in {host.out}"
            assert re.fullmatch(r"realtime agent building  building\.lua  version [0-9a-f]{12}", lines[0]), lines[0]
            for start in ("http://127.0.0.1:", "kafka 127.0.0.1:", "mqtt 127.0.0.1:"):
                assert any(line.startswith(start) for line in lines), f"{start} in {host.out}"
            assert "\x1b" not in host.out and "sesame" not in host.out + host.err, host.out
            checked = subprocess.run([program(), "check", "building.lua"], cwd=folder, stdout=subprocess.PIPE, text=True)
            equal(checked.stdout.splitlines()[0], lines[0], "check and run name an agent alike")


@case("what is missing is said once, with what comes of it")
def missing():
    with scripts_folder({"building.lua": AGENT}) as folder:
        with Started(folder, "building.lua", "--port", "0", "--no-embedded") as host:
            host.says("Ctrl-C stops")
            for words in ("no MQTT: MQTT_HOST is not set, and --no-embedded starts none in memory; "
                          "building/+/temp gets no messages",
                          "no Kafka: KAFKA_BOOTSTRAP_SERVERS is not set, and --no-embedded starts none in memory; "
                          "work_orders gets no messages"):
                equal((host.out + host.err).count(words), 1, f"{words} in {host.out} {host.err}")
            assert "  topic      building/+/temp  no broker" in host.out, host.out
            # A version that needs more says so in the log.
            (folder / "building.lua").write_text(AGENT + 'agent:on_message("alarms/#", function() end)\n')
            host.says("alarms/#, building/+/temp get no messages", "err")


@case("on a terminal it is in colours, unless NO_COLOR or TERM says otherwise")
def colours():
    with scripts_folder({"building.lua": AGENT}) as folder:
        for environment, coloured in (
                ({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": ""}, True),
                ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({}, False)):
            arguments = ("building.lua", "--port", "0", "--no-embedded")
            with Started(folder, *arguments, environment=environment, terminal=True) as host:
                host.says("Ctrl-C stops")
                equal("\x1b[" in host.out, coloured, f"{environment} {host.out!r}")


@case("with --log-format json the log is JSON and nothing else, and standard output says where the host is")
def machines():
    with scripts_folder({"building.lua": AGENT, "bad.lua": "local x =\n"}) as folder:
        with Started(folder, "building.lua", "--port", "0", "--no-embedded", "--log-format", "json") as host:
            host.says('"message":"ready"', "err")
            (folder / "building.lua").write_text("this is not Lua")
            host.says("the reload failed", "err")
            (folder / "building.lua").write_text(AGENT)
            host.says('"message":"reloaded"', "err")
            equal(host.end(), 0)
            records = [json.loads(line) for line in host.err.splitlines()]
            served = next(one for one in records if one["message"] == "agent in service")
            equal((served["agent"], served["file"]), ("building", "building.lua"))
            assert any("building/+/temp gets no messages" in one["message"] for one in records), records
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+\n", host.out), host.out
        for arguments, environment, code in ((["bad.lua"], {}, 1), (["building.lua"], {"PORT": "abc"}, 1)):
            with Started(folder, *arguments, "--log-format", "json", environment=environment) as host:
                equal(host.process.wait(30), code)
                equal(host.end(), code)
                equal([json.loads(line)["level"] for line in host.err.splitlines()], ["critical"], host.err)
                equal(host.out, "")


@case("a reload is told once, whether it fails, with file and line, or not")
def reloads():
    with scripts_folder({"building.lua": AGENT}) as folder:
        with Started(folder, "building.lua", "--port", "0", "--no-embedded") as host:
            host.says("Ctrl-C stops")
            (folder / "building.lua").write_text(AGENT + "this is not Lua\n")
            line = len(AGENT.splitlines()) + 1
            host.says(f"building.lua:{line}:", "err")
            (folder / "building.lua").write_text(AGENT + "-- as before\n")
            host.says("reloaded", "err")
            equal((host.out + host.err).count(f"building.lua:{line}:"), 1, host.err)
            equal((host.out + host.err).count("reloaded"), 1, host.err)
            assert re.search(r"reloaded .*agent=building .*generation=2 version=[0-9a-f]{12}", host.err), host.err


SLOW = """
local agent = agenthost.agent { name = "slow", endpoints = { { path = "/wait", task_type = "wait", body = "any" } } }
agent:task("wait", function() agenthost.log.info("waiting") agenthost.sleep(60) end)
"""


def ask(host):
    """A task of SLOW that is under way; whoever asked waits for its answer."""
    address = re.search(r"^http://127\.0\.0\.1:(\d+)\r?$", host.out, re.M)[1]
    client = http.client.HTTPConnection("127.0.0.1", int(address), timeout=60)
    client.request("POST", "/wait", body="{}", headers={"Content-Type": "application/json"})
    host.says("waiting", "err")
    return client


@case("a stop says what it waits for and for how long, and whether all was finished or what was cut off")
def stops():
    with scripts_folder({"slow.lua": SLOW}) as folder:
        for number in (signal.SIGTERM, signal.SIGINT):
            with Started(folder, "slow.lua", "--port", "0") as host:
                host.says("Ctrl-C stops")
                equal(host.end(number), 0, host.out)
                assert re.fullmatch(r"stopping; nothing is under way\nstopped cleanly after [\d.]+ s\n",
                                    host.out.partition("to finish\n")[2]), host.out
        with Started(folder, "slow.lua", "--port", "0", "--grace", "1") as host:
            host.says("is under way has 0.8 s to finish")
            client = ask(host)
            equal(host.end(), 0, host.out)
            assert "stopping: 1 task may take 0.8 s to finish; Ctrl-C again ends at once\n" in host.out, host.out
            assert re.search(r"^stopped after [\d.]+ s; cut off: task wait$", host.out, re.M), host.out
            equal(client.getresponse().status, 503)
        with Started(folder, "slow.lua", "--port", "0", "--grace", "1", "--log-format", "json") as host:
            host.says('"message":"ready"', "err")
            ask(host)
            equal(host.end(), 0, host.out)
            records = {one["message"]: one for one in map(json.loads, host.err.splitlines())}
            equal((records["stopping"]["tasks"], records["stopping"]["grace"]), (1, 0.8))
            equal(records["stopped"]["level"], "warning")
            assert "task wait" in str(records["stopped"]["cut_off"]), records["stopped"]


@case("a second signal ends the host at once, which it says")
def stops_at_once():
    with scripts_folder({"slow.lua": SLOW}) as folder:
        with Started(folder, "slow.lua", "--port", "0", terminal=True) as host:
            host.says("Ctrl-C stops")
            ask(host)
            host.process.send_signal(signal.SIGINT)
            host.says("stopping: 1 task")
            equal(host.end(signal.SIGINT), 130)
            # Over the ^C that a terminal shows.
            assert "\rstopping: 1 task" in host.out, repr(host.out)
            assert "\rended at once by a second SIGINT: what was under way is not finished" in host.out, repr(host.out)


@case("a host goes on when nobody reads what it says any more, and when there is no room for it")
def unheard():
    with scripts_folder({"slow.lua": SLOW}) as folder:
        def running(out, err):
            process = subprocess.Popen(
                [program(), "run", "slow.lua", "--port", "0", "--ready-file", "ready.json"], cwd=folder,
                env=clean_environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            until((folder / "ready.json").exists, "ready", 30)
            return process

        for where in ("nobody", "full"):
            if where == "nobody":
                reading, descriptor = os.pipe()
                os.close(reading)
            else:
                descriptor = os.open("/dev/full", os.O_WRONLY)
            process = running(descriptor, descriptor)
            try:
                # What is logged has nowhere to go either.
                address = json.loads((folder / "ready.json").read_text())["http"].removeprefix("http://")
                (folder / "slow.lua").write_text("this is not Lua")
                client = http.client.HTTPConnection(address, timeout=30)

                def failed():
                    client.request("GET", "/health")
                    return json.loads(client.getresponse().read())["script"]["reload_error"]

                until(failed, "the reload failed")
                process.send_signal(signal.SIGTERM)
                equal(process.wait(30), 0, where)
            finally:
                process.kill()
                process.wait()
                os.close(descriptor)
            (folder / "slow.lua").write_text(SLOW)


# Stands in for Swift's, as slow as a first build is for the test's patience.
SWIFT = """#!/bin/bash
if [[ "$1" == --version ]]; then echo "Swift version 6.2"; exit; fi
echo "Fetching https://example.com/nio"
echo "Building for production..."
printf '[1/40] Compil'; sleep 1.2; echo 'ing AgentModel Timestamp.swift'
if [[ -e fails ]]; then echo "AgentModel/Timestamp.swift:3:7: error: no such thing"; exit 1; fi
mkdir -p "$3/.build/release"
printf '#!/bin/sh\\necho "built and run: $*"\\n' > "$3/.build/release/agenthost"
chmod +x "$3/.build/release/agenthost"
sleep 1.2
echo '[40/40] Linking agenthost'
"""


@contextlib.contextmanager
def clone():
    """scripts/agenthost where Swift is not what it says, and everything it installs is there."""
    with scripts_folder({"Package.swift": "", "Sources/a.swift": "", "bin/swift": SWIFT,
                         "bin/dpkg-query": "#!/bin/bash\nfor name in \"${@:3}\"; do printf 'installed=%s ' \"$name\"; done\n"}) as folder:
        (folder / "scripts").mkdir()
        for file in [ROOT / "scripts/agenthost", *(ROOT / "scripts").glob("*.sh")]:
            shutil.copy(file, folder / "scripts" / file.name)
        for name in ("swift", "dpkg-query"):
            (folder / "bin" / name).chmod(0o755)
        yield folder, {"PATH": f"{folder}/bin:{os.environ['PATH']}", "TERM": "xterm"}


@case("a build says in a pipe when it begins, how it comes along and how long it took")
def build_in_a_pipe():
    with clone() as (folder, environment):
        def build(*arguments):
            return subprocess.run([folder / "scripts/agenthost", *arguments], cwd=folder, env=clean_environment(environment),
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)

        quick = (folder / "scripts/progress.sh").read_text().replace("progress_interval=60", "progress_interval=1")
        (folder / "scripts/progress.sh").write_text(quick)
        done = build("run", "x.lua")
        equal((done.returncode, done.stdout), (0, "built and run: run x.lua\n"), done.stderr)
        lines = done.stderr.splitlines()
        assert lines[0] == "agenthost: building; the first time takes some minutes", lines
        assert any(re.fullmatch(r"agenthost: building, step 1 of 40, \d s", line) for line in lines), lines
        assert re.fullmatch(r"agenthost: built in \d s", lines[-1]), lines
        assert "\x1b" not in done.stderr and "\r" not in done.stderr, done.stderr
        done = build("check")
        equal((done.stdout, done.stderr), ("built and run: check\n", ""), "nothing is built when nothing has changed")
        (folder / "Sources/b.swift").write_text("")
        (folder / "fails").write_text("")
        done = build("check")
        equal((done.returncode, done.stdout), (1, ""))
        for words in ("building what has changed", "Timestamp.swift:3:7: error: no such thing", "the build failed after",
                      ".build/agenthost-build.log"):
            assert words in done.stderr, f"{words} in {done.stderr}"


@case("a build shows on a terminal one line that is written anew")
def build_on_a_terminal():
    with clone() as (folder, environment):
        reading, writing = pty.openpty()
        process = subprocess.Popen([folder / "scripts/agenthost", "run"], cwd=folder, env=clean_environment(environment),
                                   stdin=subprocess.DEVNULL, stdout=writing, stderr=writing)
        os.close(writing)
        text = b""
        with contextlib.suppress(OSError):
            while select.select([reading], [], [], 60)[0] and (data := os.read(reading, 65536)):
                text += data
        os.close(reading)
        text = text.decode()
        equal(process.wait(30), 0, text)
        assert re.search(r"\r\x1b\[Kagenthost: building, step 1 of 40, \d s\r\x1b\[K", text), repr(text)
        assert "Compiling" not in text, repr(text)
        equal(len(re.findall(r"agenthost: built in \d s", text)), 1, repr(text))


run()
