"""agenthost.store: what a script was told is kept is there after kill -9, for all workers and for a second process."""

import concurrent.futures
import http.client
import json
import pathlib
import threading

from support import Host, case, command, equal, note, run, scripts_folder, until

AGENT = """
local agent = agenthost.agent { name = "keeper", endpoints = {
  { path = "/set", task_type = "set" }, { path = "/get", task_type = "get" }, { path = "/add", task_type = "add" },
  { path = "/keys", task_type = "keys" }, { path = "/kinds", task_type = "kinds" } } }
local store = agenthost.store
agent:task("set", function(task) return assert(store.set(task.query, task.parameters.value)) end)
agent:task("get", function(task) return { value = assert(store.get(task.query)) } end)
agent:task("add", function(task) return assert(store.add(task.query, task.parameters.by)) end)
agent:task("keys", function(task) return assert(store.keys(task.query)) end)
agent:task("kinds", function()
  local value = { integer = 3, float = 3.0, list = agenthost.array {}, object = {}, null = agenthost.null, exact = 9007199254740993,
    nested = { { "a", { b = true } } } }
  if not store.get("value") then
    assert(store.set("value", value)) assert(store.set("bytes", "\\0\\xff")) assert(store.set("null", agenthost.null))
    assert(store.set("gone", 1)) assert(store.set("gone", nil))
  end
  local read = store.get("value")
  return { same = agenthost.json.encode(read) == agenthost.json.encode(value), integer = math.type(read.integer),
    float = math.type(read.float), bytes = store.get("bytes") == "\\0\\xff", null = store.get("null") == agenthost.null,
    gone = store.get("gone") == nil, exact = read.exact == 9007199254740993 }
end)
"""
KINDS = {"same": True, "integer": "integer", "float": "float", "bytes": True, "null": True, "gone": True, "exact": True}


def host(folder, state, *arguments):
    return Host({}, agents=["agent.lua"], folder=folder, arguments=arguments, environment={"STATE_PATH": str(state)})


def file_of(state):
    return pathlib.Path(state) / "store" / "keeper.sqlite"


@case("kill -9 under load: every set that has returned is there, with its value")
def killed():
    with scripts_folder({"agent.lua": AGENT}) as folder:
        state = folder / "state"
        confirmed = []
        asked = []
        with host(folder, state, "--workers", "2") as first:
            stop = threading.Event()

            def client(name):
                connection = http.client.HTTPConnection(*first.address, timeout=30)
                for n in range(100_000):
                    if stop.is_set():
                        return
                    key = f"{name}/{n:06}"
                    body = json.dumps({"query": key, "parameters": {"value": {"n": n, "text": key * 20}}})
                    asked.append(key)
                    try:
                        connection.request("POST", "/set", body, {"Content-Type": "application/json"})
                        answer = connection.getresponse()
                        text = answer.read()
                    except (OSError, http.client.HTTPException):
                        return  # the kill
                    if answer.status != 200:
                        raise AssertionError(f"{key}: {answer.status} {text!r}")
                    confirmed.append((key, n))

            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                clients = [pool.submit(client, f"c{i}") for i in range(16)]
                try:
                    until(lambda: len(confirmed) >= 1500, "many sets have returned", 120)
                finally:
                    first.kill()
                    first.was_killed = True
                    stop.set()
                for one in clients:
                    one.result(timeout=60)
        with host(folder, state) as second:
            there = second.task("/keys", query="c")
            lost = [key for key, _ in confirmed if key not in set(there)]
            equal(lost, [], "sets that had returned and are not there")
            for key, n in confirmed[:: max(1, len(confirmed) // 200)]:
                equal(second.task("/get", query=key), {"value": {"n": n, "text": key * 20}}, key)
            assert set(there) <= set(asked), "nothing is there that nobody asked for"
            note(f"asked {len(asked)}, returned before the kill {len(confirmed)}, there after it {len(there)}")


@case("values keep their kinds over a restart and over a reload")
def kinds():
    with scripts_folder({"agent.lua": AGENT}) as folder:
        with host(folder, folder / "state") as first:
            equal(first.task("/kinds"), KINDS)
            (folder / "agent.lua").write_text(AGENT + "-- another version\n")
            until(lambda: first.health()["script"]["generation"] == 2, "the new version serves")
            equal(first.task("/kinds"), KINDS, "after the reload")
        with host(folder, folder / "state") as second:
            equal(second.task("/kinds"), KINDS, "after the restart")
            equal(second.task("/keys"), ["bytes", "null", "value"])
        assert not file_of(folder / "state").with_name("keeper.sqlite-wal").exists(), "the store was closed at the stop"


@case("all workers and a second process add to the same number, and none is lost")
def shared():
    with scripts_folder({"agent.lua": AGENT}) as folder:
        state = folder / "state"
        with host(folder, state, "--workers", "2") as first, host(folder, state) as second:

            def add(n):
                one = first if n % 2 else second
                return one.task("/add", {"by": 2}, query="n")

            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                sums = list(pool.map(add, range(300)))
            equal(sorted(sums), list(range(2, 602, 2)), "every sum was told once")
            equal(first.task("/get", query="n"), {"value": 600})
            equal(second.task("/get", query="n"), {"value": 600})


@case("a broken file is an error that names it, harms nothing else, and is left as it is")
def broken():
    with scripts_folder({"agent.lua": AGENT}) as folder:
        path = file_of(folder / "state")
        path.parent.mkdir(parents=True)
        path.write_bytes(b"no database" * 1000)
        with host(folder, folder / "state") as one:
            for _ in range(2):
                answer = one.post("/add", {"query": "n"})
                equal(answer.status, 500)
                assert "file is not a database" in one.output() and str(path) in one.output(), one.output()
            equal(one.health()["status"], "healthy")
            equal(path.read_bytes(), b"no database" * 1000)
            path.rename(path.with_suffix(".broken"))
            equal(one.task("/add", query="n"), 1)


@case("check makes no store, and neither does a host whose agent asks for nothing; a store without a folder says what to set")
def unused():
    with scripts_folder({"agent.lua": AGENT}) as folder:
        state = folder / "state"
        equal(command("check", folder / "agent.lua", environment={"STATE_PATH": str(state)}).returncode, 0)
        assert not state.exists()
        with host(folder, state) as one:
            equal(one.get("/health").status, 200)
            assert not (state / "store").exists()
            equal(one.task("/keys"), [])
            equal(oct(file_of(state).stat().st_mode & 0o777), "0o600")
            equal(oct((state / "store").stat().st_mode & 0o777), "0o700")
        blocked = folder / "file"
        blocked.write_text("")
        with host(folder, blocked) as one:
            equal(one.post("/keys", {"query": ""}).status, 500)
            assert f"cannot make {blocked}/store" in one.output(), one.output()


@case("the store is away while a script loads, and misuse names the argument")
def misuse():
    with scripts_folder({"agent.lua": "agenthost.store.get('a')\n" + AGENT}) as folder:
        done = command("check", folder / "agent.lua")
        equal(done.returncode, 1)
        assert "agent.lua:1: agenthost.store.get cannot be called while the script loads" in done.stderr, done.stderr


run()
