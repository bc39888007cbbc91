"""What a script answers in words of HTTP, the files that it serves, and the pages that may call it: beside FastAPI where
FastAPI has the same."""

import sys

# A file of this folder has the name of a library, and the folder is the first that Python looks into.
sys.path.append(sys.path.pop(0))

import http.client  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import pathlib  # noqa: E402
import re  # noqa: E402
import shutil  # noqa: E402
import socket  # noqa: E402
import subprocess  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
import urllib.parse  # noqa: E402

import uvicorn  # noqa: E402
from fastapi import FastAPI, HTTPException, Request  # noqa: E402
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response  # noqa: E402
from fastapi.staticfiles import StaticFiles  # noqa: E402
from support import Host, case, command, equal, kcat_wait, line_of, note, run, scripts_folder, until  # noqa: E402

AGENT = """
local agent = agenthost.realtime_agent {
  name = "rooms",
  endpoints = {
    { path = "/json", task_type = "json", method = "GET" }, { path = "/html", task_type = "html", method = "GET" },
    { path = "/text", task_type = "text", method = "GET" }, { path = "/bytes", task_type = "bytes", method = "GET" },
    { path = "/moved/{how}", task_type = "moved", method = "GET" }, { path = "/empty", task_type = "empty", method = "DELETE" },
    { path = "/room/{id}", task_type = "room", method = "GET" }, { path = "/cookies", task_type = "cookies" },
    { path = "/teapot", task_type = "teapot", method = "PUT" }, { path = "/null", task_type = "null", method = "GET" },
    { path = "/search", task_type = "search", method = "GET" }, { path = "/fail", task_type = "fail", method = "GET" },
    { path = "/wrong", task_type = "wrong", method = "GET" }, { path = "/later", task_type = "later", method = "GET" },
    { path = "/any", task_type = "cookies", body = "any" },
  },
}
local answer = agenthost.answer
agent:task("json", function() return answer(201, { id = 7, list = agenthost.array {}, none = agenthost.null }, { ["X-A"] = "1" }) end)
agent:task("html", function() return answer(200, "<p>grüße</p>", { ["Content-Type"] = "text/html; charset=utf-8" }) end)
agent:task("text", function() return answer(200, "grüße\\n") end)
agent:task("bytes", function() return answer(200, "\\xff\\0\\r\\n", { { "Content-Type", "application/octet-stream" } }) end)
agent:task("moved", function(task) return answer(tonumber(task.path.how), nil, { Location = "/room/7?a=1" }) end)
agent:task("empty", function() return answer(204) end)
local function find(id)
  if id ~= "7" then error(answer(404, { detail = "no such room" }, { ["X-Error"] = "room" })) end
  return { id = id }
end
agent:task("room", function(task)
  local ok, found = pcall(find, task.path.id)
  if not ok then error(found) end
  return answer(200, found)
end)
agent:task("cookies", function() return answer(200, { a = 1 }, { ["Set-Cookie"] = { "a=1; Path=/", "b=2" } }) end)
agent:task("teapot", function() error(answer(418, { detail = { reason = "short", stout = true } })) end)
agent:task("null", function() return answer(200, agenthost.null) end)
agent:task("search", function(task) return answer(200, { q = task.query_params.q or agenthost.null, all = task.query_list }) end)
agent:task("fail", function() error("out of coffee") end) -- FAIL
agent:task("wrong", function() return answer(200, "x", { ["X-A"] = "a\\r\\nSet-Cookie: b" }) end) -- WRONG
agent:task("later", function()
  agenthost.sleep(0.01)
  agent:send_kafka("sent", { before = true })
  return coroutine.wrap(function() agenthost.sleep(0.01) error(answer(409, "taken")) end)()
end)
agent:on_message("in", function() error(answer(404, "x")) end, { attempts = 1 }) -- MESSAGE
agent:on_websocket("mine", function() error("as asked") end) -- SOCKET
"""

app = FastAPI()


@app.get("/json")
def get_json():
    return JSONResponse({"id": 7, "list": [], "none": None}, status_code=201, headers={"X-A": "1"})


@app.get("/html")
def get_html():
    return HTMLResponse("<p>grüße</p>")


@app.get("/text")
def get_text():
    return PlainTextResponse("grüße\n")


@app.get("/bytes")
def get_bytes():
    return Response(b"\xff\0\r\n", media_type="application/octet-stream")


@app.get("/moved/{how}")
def get_moved(how: int):
    return RedirectResponse("/room/7?a=1", status_code=how)


@app.delete("/empty", status_code=204)
def delete_empty():
    return Response(status_code=204)


@app.get("/room/{id}")
def get_room(id: str):
    if id != "7":
        raise HTTPException(404, "no such room", headers={"X-Error": "room"})
    return {"id": id}


@app.post("/cookies")
@app.post("/any")
def post_cookies():
    response = JSONResponse({"a": 1})
    response.headers.append("Set-Cookie", "a=1; Path=/")
    response.headers.append("Set-Cookie", "b=2")
    return response


@app.put("/teapot")
def put_teapot():
    raise HTTPException(418, {"reason": "short", "stout": True})


@app.get("/null")
def get_null():
    return None


@app.get("/search")
def get_search(request: Request):
    return {"q": request.query_params.get("q"), "all": [list(pair) for pair in request.query_params.multi_items()]}


class Application:
    """FastAPI's side, on a port of its own."""

    def __init__(self, application):
        self.server = uvicorn.Server(
            uvicorn.Config(application, host="127.0.0.1", port=0, log_level="critical", http="h11", lifespan="off"))
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        until(lambda: self.server.started, "uvicorn accepts requests")
        return self.server.servers[0].sockets[0].getsockname()

    def __exit__(self, *_):
        self.server.should_exit = True
        self.thread.join(20)


def ask(address, method, target, headers=None, body=None):
    """Status, fields in order, body."""
    connection = http.client.HTTPConnection(*address, timeout=30)
    try:
        connection.request(method, target, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, [(name.lower(), value) for name, value in answer.getheaders()], answer.read()
    finally:
        connection.close()


def one(fields, name):
    """A field's value; None when there is none. More than one is wrong."""
    values = [value for known, value in fields if known == name]
    assert len(values) < 2, values
    return values[0] if values else None


def shown(answer):
    """What must be the same on both sides."""
    status, fields, body = answer
    kept = {"content-type", "content-length", "location", "set-cookie", "x-a", "x-error"}
    location = lambda value: urllib.parse.urlsplit(value)._replace(scheme="", netloc="").geturl()  # noqa: E731
    fields = sorted((name, location(value) if name == "location" else value) for name, value in fields if name in kept)
    is_json = ("content-type", "application/json") in fields
    if is_json:
        fields = [field for field in fields if field[0] != "content-length"]
    return status, fields, json.loads(body) if is_json and body else body


@case("answers are those of FastAPI's Response, HTMLResponse, RedirectResponse and HTTPException")
def differential():
    with Host(AGENT) as host, Application(app) as other:
        post = {"headers": {"Content-Type": "application/json"}, "body": b'{"query": ""}'}
        for method, target, options in (
                ("GET", "/json", {}), ("GET", "/html", {}), ("GET", "/text", {}), ("GET", "/bytes", {}), ("GET", "/null", {}),
                ("GET", "/moved/303", {}), ("GET", "/moved/307", {}), ("GET", "/moved/308", {}), ("DELETE", "/empty", {}),
                ("GET", "/room/7", {}), ("GET", "/room/8", {}), ("POST", "/cookies", post), ("POST", "/any", post),
                ("PUT", "/teapot", post), ("GET", "/search", {}), ("GET", "/search?q=a%20b&q=c&d", {})):
            ours, theirs = shown(ask(host.address, method, target, **options)), shown(ask(other, method, target, **options))
            equal(ours, theirs, f"{method} {target}")
        status, fields, body = ask(host.address, "HEAD", "/html")
        equal((status, one(fields, "content-length"), body), (200, "14", b""))
        equal(host.health()["error_count"], 0)
        assert "ERROR" not in host.output(), host.output()


@case("every answer leaves the connection as it should be: ten of each kind on one, one after another")
def kept():
    with Host(AGENT) as host:
        connection = http.client.HTTPConnection(*host.address, timeout=30)
        for _ in range(10):
            for method, target, status in (("GET", "/json", 201), ("DELETE", "/empty", 204), ("GET", "/room/8", 404), ("HEAD", "/html", 200),
                                           ("GET", "/moved/303", 303), ("GET", "/later", 409), ("GET", "/fail", 500), ("GET", "/bytes", 200)):
                connection.request(method, target)
                answer = connection.getresponse()
                answer.read()
                equal((answer.status, answer.will_close), (status, False), target)
        connection.close()


@case("an answer that cannot be one is an error of the script, and no field of a client's making")
def misuse():
    with Host(AGENT) as host:
        status, fields, body = ask(host.address, "GET", "/wrong")
        equal(status, 500)
        assert "bad argument 'headers' to 'answer' (X-A: text without line breaks" in json.loads(body)["detail"], body
        assert one(fields, "set-cookie") is None, fields
        assert f"agent.lua:{line_of(AGENT, '-- WRONG')}: bad argument 'headers'" in host.output(), host.output()


@case("over a WebSocket and in events an answer is a result, or its detail; an error has its line in the log alone")
def elsewhere():
    for level in (None, "debug"):
        with Host(AGENT, environment={"LOG_LEVEL": level} if level else {}) as host, host.websocket("/ws") as client:
            for task, success, result, error in (
                    ("json", True, {"id": 7, "list": [], "none": None}, None), ("html", True, "<p>grüße</p>", None),
                    ("empty", True, None, None), ("teapot", False, None, '{"reason":"short","stout":true}'),
                    ("later", False, None, "taken"),
                    ("fail", False, None, (f"agent.lua:{line_of(AGENT, '-- FAIL')}: " if level else "") + "out of coffee")):
                client.send("agent_request", {"query": "q", "task_type": task})
                event = client.receive("realtime_event", lambda m: m["payload"]["event_type"].endswith(("completed", "failed")))
                kind = "agent_task_completed" if success else "agent_task_failed"
                equal((event["payload"]["event_type"], event["payload"]["data"]["error"]), (kind, error), task)
                equal(event["payload"]["data"]["result"], result, task)
                payload = client.receive("agent_response")["payload"]
                equal((payload["success"], payload["result"], payload["error"]), (success, result, error), task)
            client.send("mine", {})
            place = f"agent.lua:{line_of(AGENT, '-- SOCKET')}: "
            equal(client.receive("error")["payload"]["error"], (place if level else "") + "as asked")
            assert place + "as asked" in host.output(), host.output()
            equal(host.health()["error_count"], 2)


@case("what was sent before an answer is sent; an answer raised by a message is its dead letter's error, with its line")
def brokers():
    with Host(AGENT, embedded=True) as host:
        equal(ask(host.address, "GET", "/later")[0], 409)
        equal(json.loads(kcat_wait(host.kafka, "sent", 1)[0]["payload"]), {"before": True})
        done = command("send", "kafka:in", "{}", "--ready-file", host.ready_file)
        equal(done.returncode, 0, done)
        error = kcat_wait(host.kafka, "in.dlq", 1)[0]["headers"]["x-error"]
        assert error.startswith(f"agent.lua:{line_of(AGENT, '-- MESSAGE')}: an HTTP answer was raised"), error


# MARK: Files

SERVING = """
local agent = agenthost.agent {
  name = "pages",
  static = { ["/app"] = "public", ["/docs/"] = "./docs" },
  endpoints = { { path = "/app/api", task_type = "api", method = "GET" }, { path = "/ok", task_type = "api" } },
}
agent:task("api", function() return "api" end)
"""
FILES = {
    "agent.lua": SERVING, "public/index.html": "<p>home</p>", "public/app.js": "let a = 1\n", "public/app.css": "p {}",
    "public/img/a b.svg": "<svg/>", "public/sub/index.html": "<p>sub</p>", "public/api": "a file", "public/.env": "SECRET=1",
    "public/data.json": "{}", "docs/index.html": "docs", "docs/guide.txt": "guide", "secret.txt": "secret", "public/empty.txt": "",
}


def serving(arguments=()):
    return Host(FILES, agents=["agent.lua"], arguments=arguments)


@case("files are served as Starlette's StaticFiles serves them")
def files():
    with serving() as host:
        other = FastAPI()
        other.mount("/app", StaticFiles(directory=host.folder / "public", html=True))
        with Application(other) as address:
            for target in ("/app", "/app/", "/app/index.html", "/app/app.js", "/app/app.css", "/app/img/a%20b.svg", "/app/img", "/app/img/",
                           "/app/sub", "/app/sub/", "/app/nothing", "/app/app.js?v=1", "/app/data.json", "/app/empty.txt"):
                for method in ("GET", "HEAD"):
                    ours, theirs = shown(ask(host.address, method, target)), shown(ask(address, method, target))
                    if method == "HEAD":
                        ours, theirs = ours[:2], theirs[:2]
                    equal(ours, theirs, f"{method} {target}")
            for value in ("bytes=0-3", "bytes=4-", "bytes=-3", "bytes=0-99"):
                headers = {"Range": value}
                ours, theirs = (ask(side, "GET", "/app/app.js", headers) for side in (host.address, address))
                equal((ours[0], ours[2], one(ours[1], "content-range")), (theirs[0], theirs[2], one(theirs[1], "content-range")), value)
        equal(ask(host.address, "GET", "/app/api")[2][:16], b'{"result":"api",')
        equal(ask(host.address, "GET", "/docs/guide.txt")[2], b"guide")


@case("curl has the parts, the versions and the ends of a download that it asks for")
def curl():
    if not shutil.which("curl"):
        return note("curl is not installed")
    with serving() as host:
        (host.folder / "public/large.bin").write_bytes(os.urandom(3 << 20))
        url = f"{host.ready['http']}/app"

        def fetch(*arguments):
            done = subprocess.run(["curl", "--silent", "--show-error", "--noproxy", "*", *arguments], capture_output=True, timeout=60)
            equal(done.returncode, 0, done.stderr)
            return done.stdout

        fetch("--location", "--output", host.folder / "home", url)
        equal((host.folder / "home").read_bytes(), b"<p>home</p>")
        whole = (host.folder / "public/large.bin").read_bytes()
        (host.folder / "part").write_bytes(whole[:1234567])
        fetch("--continue-at", "-", "--output", host.folder / "part", f"{url}/large.bin")
        assert (host.folder / "part").read_bytes() == whole, "the download that went on is another file"
        tag = host.folder / "tag"
        fetch("--etag-save", tag, "--output", host.folder / "js", f"{url}/app.js")
        code = ("--write-out", "%{http_code}", "--output", host.folder / "again")
        equal(fetch("--etag-compare", tag, *code, f"{url}/app.js"), b"304")
        equal(fetch("--time-cond", str(host.folder / "public/app.js"), *code, f"{url}/app.js"), b"304")
        for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/.env", "/img/../../secret.txt"):
            equal(fetch("--path-as-is", *code, url + path), b"404", path)


@case("a file that changes is served anew without a reload; folders come and go with versions of the script")
def live():
    with serving() as host:
        def version():
            status, fields, body = ask(host.address, "GET", "/app/app.js")
            return status, one(fields, "etag"), body

        _, first, _ = version()
        generation = host.health()["script"]["generation"]
        (host.folder / "public/app.js").write_text("let a = 2\n")
        equal(version()[2], b"let a = 2\n")
        assert version()[1] != first, "another file has the same tag"
        equal(ask(host.address, "GET", "/app/app.js", {"If-None-Match": first})[0], 200)
        equal(ask(host.address, "GET", "/app/app.js", {"If-None-Match": version()[1]})[0], 304)
        equal(host.health()["script"]["generation"], generation)
        host.script.write_text(SERVING.replace('"public"', '"pubic"'))
        error = until(lambda: host.health()["script"]["reload_error"], "the reload has failed")
        assert re.match(r'agent\.lua:2: static\["/app"\]: there is no folder "pubic" beside agent\.lua', error), error
        equal(version()[0], 200)
        host.script.write_text(SERVING.replace('["/app"]', '["/new"]').replace('"/app/api"', '"/api"'))
        until(lambda: host.health()["script"]["generation"] > generation and not host.health()["script"]["reload_error"], "the reload")
        equal((version()[0], ask(host.address, "GET", "/new/app.js")[0]), (404, 200))


@case("check tells the folders, and what cannot be served stops the start with file and line")
def checked():
    with scripts_folder(FILES) as folder:
        done = command("check", "agent.lua", folder=folder)
        equal(done.returncode, 0, done)
        for path, name in (("/app/", "public"), ("/docs/", "./docs")):
            assert re.search(rf"static +{path} +folder {re.escape(name)}\n", done.stdout), done.stdout
        for old, new, words in (
                ('"public"', '"../.."', "a folder beside agent.lua expected"), ('"public"', '"secret.txt"', "is a file"),
                ('["/docs/"]', '["/health"]', "already served by the host"), ('"/app/api"', '"/app"', "already served by agent.lua:2")):
            (folder / "agent.lua").write_text(SERVING.replace(old, new))
            for arguments in (("check", "agent.lua"), ("run", "agent.lua", "--port", "0", "--no-embedded")):
                done = command(*arguments, folder=folder)
                equal(done.returncode, 1, done)
                assert "agent.lua:2" in done.stderr and words in done.stderr, done


@case("a large file to many slow clients takes little memory, and others are served meanwhile")
def slow():
    with serving() as host:
        size = 64 << 20
        with open(host.folder / "public/large.bin", "wb") as file:
            file.truncate(size)
        ask(host.address, "GET", "/app/large.bin", {"Range": "bytes=0-99999"})
        before = host.memory()[0]
        readers = []
        for _ in range(20):
            reader = socket.socket()
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(host.address)
            reader.sendall(b"GET /app/large.bin HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            readers.append(reader)
        slowest = 0
        for _ in range(50):
            began = time.monotonic()
            equal(host.get("/health").status, 200)
            slowest = max(slowest, time.monotonic() - began)
        grown = host.memory()[1] - before
        began = time.monotonic()
        status, _, body = ask(host.address, "GET", "/app/large.bin")
        equal((status, len(body)), (200, size))
        note(f"{grown:.0f} MiB for 20 slow clients, the slowest other request {slowest * 1000:.0f} ms, "
             f"{size / 2**20 / (time.monotonic() - began):.0f} MiB/s to a fast one")
        assert grown < 60, f"{grown:.0f} MiB"
        for reader in readers:
            reader.close()
        descriptors = pathlib.Path(f"/proc/{host.pid}/fd")
        until(lambda: not [fd for fd in descriptors.iterdir() if os.path.basename(os.path.realpath(fd)) == "large.bin"],
              "the file is closed")


# MARK: Pages elsewhere

@case("a page of this machine calls and reads; any other is refused, and told once with what lets it in")
def pages():
    for arguments in ((), ("--workers", "2")):
        with Host(AGENT, arguments=arguments) as host:
            preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
            for origin in ("http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:8000"):
                status, fields, _ = ask(host.address, "OPTIONS", "/cookies", {"Origin": origin, **preflight})
                equal((status, one(fields, "access-control-allow-origin"), one(fields, "vary")), (200, origin, "Origin"))
                for target in ("/json", "/room/8", "/fail", "/nowhere", "/health"):
                    _, fields, _ = ask(host.address, "GET", target, {"Origin": origin})
                    equal((one(fields, "access-control-allow-origin"), one(fields, "vary")), (origin, "Origin"), target)
            for _ in range(5):
                for origin in ("http://192.168.1.5:3000", "https://app.example", "null"):
                    status, fields, _ = ask(host.address, "OPTIONS", "/cookies", {"Origin": origin, **preflight})
                    equal((status, one(fields, "access-control-allow-origin")), (400, None))
                    equal(ask(host.address, "GET", "/json", {"Origin": origin})[0], 403)
                    equal(one(ask(host.address, "GET", "/health", {"Origin": origin})[1], "access-control-allow-origin"), None)
            told = [line for line in host.output().splitlines() if "may not write to this host" in line]
            equal(len(told), 3, told)
            assert any("ALLOWED_ORIGINS=http://192.168.1.5:3000 lets it in" in line for line in told), told
            for number in range(200):
                ask(host.address, "GET", "/health", {"Origin": f"https://{number}.example"})
            equal(sum("may not write to this host" in line for line in host.output().splitlines()), 50)
    with Host(AGENT, environment={"ALLOWED_ORIGINS": "http://192.168.1.5:3000"}) as host:
        _, fields, _ = ask(host.address, "GET", "/json", {"Origin": "http://192.168.1.5:3000"})
        equal(one(fields, "access-control-allow-origin"), "http://192.168.1.5:3000")


run()
