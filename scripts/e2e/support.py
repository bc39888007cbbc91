"""What the tests of the running program share: a host with a script of the test's own, and clients that are not ours.

A test file is a list of functions marked with @case("what they prove"), and `run()` at its end. Each file runs alone:

    python3 scripts/e2e/routes.py --program .build/debug/agenthost
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ABSENT = object()

_cases = []
_options = None


def case(sentence):
    """Marks a test; the sentence says what holds when it passes."""

    def register(function):
        _cases.append((sentence, function))
        return function

    return register


def run():
    """Runs the cases of the file and ends the process: 0 when all passed."""
    global _options
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--program", default=str(ROOT / ".build/debug/agenthost"), help="the agenthost to test")
    parser.add_argument("only", nargs="*", help="run only the cases whose function is named so")
    _options = parser.parse_args()
    _options.program = str(pathlib.Path(_options.program).resolve())
    if not os.access(_options.program, os.X_OK):
        parser.error(f"no program at {_options.program}; build it first")
    unknown = set(_options.only) - {function.__name__ for _, function in _cases}
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    passed = failed = 0
    for sentence, function in _cases:
        if _options.only and function.__name__ not in _options.only:
            continue
        began = time.monotonic()
        try:
            function()
        except Exception as error:  # one failed case must not hide the others
            failed += 1
            print(f"FAILED  {sentence} ({function.__name__})", flush=True)
            if not isinstance(error, AssertionError) or not str(error):
                traceback.print_exc(file=sys.stdout)
            else:
                where = traceback.extract_tb(error.__traceback__)
                lines = ", ".join(f"{pathlib.Path(f.filename).name}:{f.lineno}" for f in where[1:])
                print(f"        {lines}: {error}", flush=True)
        else:
            passed += 1
            print(f"ok      {sentence} ({time.monotonic() - began:.1f} s)", flush=True)
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed or not passed else 0)


def program():
    return _options.program


def use_program(path):
    """For those that are no test file, and so do not end in `run()`."""
    global _options
    _options = argparse.Namespace(program=str(path))


def note(text):
    """A measured figure, beside the cases."""
    print(f"        {text}", flush=True)


def equal(actual, expected, what=""):
    if actual != expected:
        texts = [text if len(text) < 1500 else text[:1500] + "…" for text in (repr(expected), repr(actual))]
        raise AssertionError(f"{what + ': ' if what else ''}expected {texts[0]}, got {texts[1]}")


def until(condition, what, timeout=15.0, pause=0.01):
    """Waits until the condition gives something true, and returns that."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(pause)


def line_of(text, marker):
    """The number of the line that contains the marker."""
    for number, line in enumerate(text.splitlines(), 1):
        if marker in line:
            return number
    raise AssertionError(f"no line has {marker}")


def clean_environment(extra=None):
    """Nothing of the caller's settings reaches the program."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, **(extra or {})}


def command(*arguments, environment=None, folder=None, timeout=60):
    """Runs the program to its end."""
    return subprocess.run(
        [program(), *map(str, arguments)], env=clean_environment(environment), cwd=folder, timeout=timeout,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


@contextlib.contextmanager
def scripts_folder(files):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="agenthost-e2e-"))
    try:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Mounted:
    """A Secret as the kubelet mounts it: the keys are links through `..data`, which is swapped as one."""

    def __init__(self, folder, name, values):
        self.path = pathlib.Path(folder) / name
        self.path.mkdir(parents=True)
        self.version = 0
        self.swap(values)

    def swap(self, values):
        self.version += 1
        folder = self.path / f"..2024_01_01_00_00_00.{self.version}"
        folder.mkdir()
        for key, value in values.items():
            (folder / key).write_text(value + "\n")
        before = os.readlink(self.path / "..data") if self.version > 1 else None
        (self.path / "..data_tmp").symlink_to(folder.name)
        os.replace(self.path / "..data_tmp", self.path / "..data")
        for key in values:
            with contextlib.suppress(FileExistsError):
                (self.path / key).symlink_to(f"..data/{key}")
        if before:
            shutil.rmtree(self.path / before)


class Running:
    """A process of the program that writes a ready file."""

    # What runs the program, when it is not to run by itself: a command that goes before it.
    prefix = ()

    def __init__(self, arguments, folder, environment=None, ready_timeout=30, wait=True):
        self.folder = pathlib.Path(folder)
        self.ready_file = self.folder / f"ready-{uuid.uuid4()}.json"
        self.log = self.folder / f"log-{uuid.uuid4()}.txt"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*self.prefix, program(), *map(str, arguments), "--ready-file", str(self.ready_file)],
                env=clean_environment(environment), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.ready = None
        if wait:
            try:
                self.wait_ready(ready_timeout)
            except BaseException:
                self.kill()
                raise

    def wait_ready(self, timeout=30):
        def look():
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.output()[-2000:]}"
            with contextlib.suppress(OSError, ValueError):
                self.ready = json.loads(self.ready_file.read_text())
            return self.ready

        until(look, f"ready; so far it said: {self.output()[-2000:]}", timeout)

    @property
    def pid(self):
        return self.process.pid

    @property
    def kafka(self):
        return self.ready["kafka"]

    @property
    def mqtt(self):
        return self.ready["mqtt"]

    def output(self):
        return self.log.read_text(errors="replace")

    def signal(self, number):
        self.is_stopping = getattr(self, "is_stopping", False) or number in (signal.SIGTERM, signal.SIGINT)
        self.process.send_signal(number)

    def kill(self):
        """kill -9, by its own id."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self, timeout=20):
        """SIGTERM, unless it was told to stop already (a second one would end it at once), and its exit code."""
        if self.process.poll() is None and not getattr(self, "is_stopping", False):
            self.process.terminate()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not stop within {timeout} s of SIGTERM: {self.output()[-2000:]}") from None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            tail = "\n".join(self.output().splitlines()[-25:])
            print(f"        --- what the program said last:\n{tail}\n        ---", flush=True)
        try:
            code = self.stop()
        except AssertionError:
            if kind is None:
                raise
            code = None
        if kind is None and not getattr(self, "was_killed", False):
            equal(code, 0, "exit code after SIGTERM")


class Host(Running):
    """`agenthost run` on a free port, with scripts of the test's own in a folder of their own.

    `scripts` is the text of one agent, or a dictionary of files; then `agents` names those to run.
    """

    def __init__(self, scripts, agents=None, arguments=(), environment=None, embedded=False, folder=None, wait=True,
                 ready_timeout=30):
        self._owned = None
        if folder is None:
            self._owned = scripts_folder({"agent.lua": scripts} if isinstance(scripts, str) else scripts)
            folder = self._owned.__enter__()
        if agents is None:
            agents = ["agent.lua"] if isinstance(scripts, str) else sorted(scripts)
        flags = ["--port", "0", "--embedded" if embedded else "--no-embedded"]
        try:
            super().__init__(["run", *agents, *flags, *arguments], folder, environment, ready_timeout, wait)
        except BaseException:
            self._remove()
            raise

    def _remove(self):
        if self._owned:
            self._owned.__exit__(None, None, None)
            self._owned = None

    def __exit__(self, kind, error, trace):
        try:
            super().__exit__(kind, error, trace)
        finally:
            self._remove()

    @property
    def script(self):
        return self.folder / "agent.lua"

    @property
    def address(self):
        host, _, port = self.ready["http"].removeprefix("http://").rpartition(":")
        return host, int(port)

    @property
    def port(self):
        return self.address[1]

    def request(self, method, path, body=ABSENT, headers=None, data=None, timeout=30):
        """One request on a connection of its own; `body` is sent as JSON, `data` as it is."""
        headers = dict(headers or {})
        if body is not ABSENT:
            data = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection(*self.address, timeout=timeout)
        try:
            connection.request(method, path, body=data, headers=headers)
            answer = connection.getresponse()
            return Response(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, body=ABSENT, **options):
        return self.request("POST", path, body, **options)

    def task(self, path, parameters=None, query="", **options):
        """A task that must succeed: its result."""
        body = {"query": query}
        if parameters is not None:
            body["parameters"] = parameters
        answer = self.post(path, body, **options)
        equal(answer.status, 200, f"{path} answered {answer.body[:500]!r}")
        return answer.json["result"]

    def health(self):
        return self.get("/health").json

    def raw(self):
        return RawConnection(self.address)

    def websocket(self, path="/ws", **options):
        return WebSocket(f"ws://127.0.0.1:{self.port}{path}", **options)

    def stream(self, path, last_event_id=None):
        return EventStream(self.address, path, last_event_id)

    def memory(self):
        """Resident memory in MiB, now and at its highest."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return tuple(int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) / 1024 for name in ("VmRSS", "VmHWM"))

    def cpu(self):
        """Seconds of processor time that the process has used."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class RawConnection:
    """A TCP connection on which a test writes what no proper client would."""

    def __init__(self, address, timeout=15):
        self.socket = socket.create_connection(address, timeout=timeout)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        self.buffer += data
        return bool(data)

    def response(self, head_only=False):
        """The next whole response."""
        while b"\r\n\r\n" not in self.buffer:
            assert self._more(), f"closed without a response: {self.buffer!r}"
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        length = 0 if head_only else int(dict((n.lower(), v) for n, v in headers).get("content-length", 0))
        while len(self.buffer) < length:
            assert self._more(), "closed inside a body"
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Response(status, headers, body)

    def is_closed(self):
        """True when the other side closes, with nothing more to say."""
        while self._more():
            pass
        return not self.buffer


class WebSocket:
    """The `websockets` library, with the envelope of the contract."""

    def __init__(self, url, **options):
        from websockets.sync.client import connect

        options.setdefault("compression", None)
        options.setdefault("max_size", 1 << 26)
        # Without a limit the library reads whatever comes; with one it stops reading, as a slow client does.
        options.setdefault("max_queue", None)
        self._context = connect(url, proxy=None, open_timeout=15, close_timeout=5, **options)
        self.connection = self._context.__enter__()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._context.__exit__(None, None, None)

    def close(self):
        self.__exit__()

    def send(self, message_type, payload=None, **fields):
        """Sends an envelope; returns its message_id."""
        message = {"message_id": str(uuid.uuid4()), "message_type": message_type, **fields}
        if payload is not None:
            message["payload"] = payload
        self.connection.send(json.dumps(message))
        return message["message_id"]

    def next(self, timeout=15):
        """The very next message."""
        return json.loads(self.connection.recv(timeout=timeout))

    def receive(self, message_type, where=None, timeout=15):
        """The next message of the type, and of those the first for which `where` holds; what comes before is dropped."""
        deadline = time.monotonic() + timeout
        seen = []
        while True:
            try:
                message = self.next(max(0.01, deadline - time.monotonic()))
            except TimeoutError:
                raise AssertionError(f"no {message_type} within {timeout} s, only {seen}") from None
            if message["message_type"] == message_type and (where is None or where(message)):
                return message
            seen.append(message["message_type"])

    def before_pong(self, timeout=15):
        """Everything that the server had sent before it answers a ping."""
        asked = self.send("ping", {})
        messages = []
        while True:
            message = self.next(timeout)
            if message["message_type"] == "pong" and message["response_to"] == asked:
                return messages
            messages.append(message)

    def close_code(self, timeout=15):
        """Reads to the end; the code that the server closed with."""
        from websockets.exceptions import ConnectionClosed

        deadline = time.monotonic() + timeout
        try:
            while True:
                self.connection.recv(timeout=max(0.01, deadline - time.monotonic()))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        except TimeoutError:
            raise AssertionError(f"not closed within {timeout} s") from None


class EventStream:
    """Server-Sent Events, read as the HTML standard says (section 9.2.6)."""

    def __init__(self, address, path, last_event_id=None):
        self.connection = http.client.HTTPConnection(*address, timeout=15)
        headers = {"Accept": "text/event-stream"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        self.connection.request("GET", path, headers=headers)
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.content_type = self.response.getheader("Content-Type") or ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.response.close()
        self.connection.close()

    def next(self):
        """The next event: {"id", "event", "data"}; event is None for an ordinary one, data is its JSON."""
        event = {"id": None, "event": None, "data": []}
        while True:
            try:
                line = self.response.readline()
            except TimeoutError:
                raise AssertionError("no event within 15 s") from None
            assert line, "the stream ended"
            line = line.decode().rstrip("\r\n")
            if not line:
                if event["data"]:
                    return {**event, "data": json.loads("\n".join(event["data"]))}
                event = {"id": None, "event": None, "data": []}
                continue
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data":
                event["data"].append(value)
            elif name in ("id", "event"):
                event[name] = value

    def where(self, condition):
        """The next event for which the condition holds."""
        while True:
            event = self.next()
            if condition(event):
                return event


def kcat_produce(broker, topic, *values, key=None, headers=None, partition=None):
    """Sends each value, bytes or JSON, as one record."""
    arguments = ["kcat", "-P", "-q", "-b", broker, "-t", topic, "-D", "\x1e"]
    if key is not None:
        arguments += ["-k", key]
    if partition is not None:
        arguments += ["-p", str(partition)]
    for name, value in (headers or {}).items():
        arguments += ["-H", f"{name}={value}"]
    data = b"\x1e".join(v if isinstance(v, bytes) else json.dumps(v).encode() for v in values)
    done = subprocess.run(arguments, input=data, timeout=60, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    equal(done.returncode, 0, f"kcat said {done.stdout!r}")


def kcat_read(broker, topic):
    """Every record of the topic so far, as kcat's JSON, headers as a dictionary."""
    done = subprocess.run(
        ["kcat", "-C", "-q", "-e", "-J", "-b", broker, "-t", topic, "-o", "beginning", "-X", "fetch.wait.max.ms=10",
         "-X", "allow.auto.create.topics=true"],
        timeout=90, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    records = []
    for line in done.stdout.splitlines():
        # kcat writes a payload that is not text as its bytes.
        record = json.loads(line.decode(errors="replace"))
        flat = record.get("headers") or []
        record["headers"] = dict(zip(flat[::2], flat[1::2]))
        records.append(record)
    return records


def kcat_wait(broker, topic, count, timeout=40):
    """At least so many records of the topic."""
    return until(
        lambda: (records := kcat_read(broker, topic)) and len(records) >= count and records,
        f"{count} records on {topic}", timeout, pause=0.05)


def mqtt_publish(broker, topic, payload, qos=1, retain=False):
    host, _, port = broker.rpartition(":")
    payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    arguments = ["mosquitto_pub", "-h", host, "-p", port, "-t", topic, "-q", str(qos), "-s"] + (["-r"] if retain else [])
    done = subprocess.run(arguments, input=payload, timeout=30, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    equal(done.returncode, 0, f"mosquitto_pub said {done.stdout!r}")


class Lines:
    """A client that prints a line for each message, read as it prints."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = []
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait(self, condition, what, timeout=20):
        return until(lambda: next((line for line in list(self.lines) if condition(line)), None),
                     f"{what}; so far {self.lines[-5:]}", timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()


def mqtt_reader(broker, topic):
    """mosquitto_sub, once it is subscribed: each line is a topic, a tab and the payload."""
    host, _, port = broker.rpartition(":")
    lines = Lines("stdbuf", "-oL", "mosquitto_sub", "-h", host, "-p", port, "-t", topic, "-q", "1", "-d", "-F", "%t\t%p")
    lines.wait(lambda line: line.startswith("Subscribed"), "subscribed")
    return lines


class Load:
    """Requests one after another on a connection of its own, until told to stop; every status and delay is kept."""

    def __init__(self, host, path, body):
        self.host, self.path, self.body = host, path, json.dumps(body).encode()
        self.statuses, self.slowest, self.problem = {}, 0.0, None
        self.answers = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        connection = http.client.HTTPConnection(*self.host.address, timeout=30)
        try:
            while not self.stopping.is_set():
                began = time.monotonic()
                connection.request("POST", self.path, self.body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                body = answer.read()
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
                self.answers.append((time.monotonic(), body))
        except Exception as error:
            self.problem = error
        finally:
            connection.close()

    @property
    def count(self):
        return sum(self.statuses.values())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(35)

    def check(self):
        """Every request was answered with 200."""
        assert self.problem is None, f"a request under load failed: {self.problem!r}"
        assert set(self.statuses) == {200}, f"statuses under load: {self.statuses}"
