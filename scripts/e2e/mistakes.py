"""Mistakes of people who never saw the program: what is wrong, where, and what to do, in one line."""

import json
import os
import pathlib
import re
import socket
import subprocess

from support import Host, Running, case, clean_environment, command, equal, kcat_wait, program, run, scripts_folder, until

AGENT = """local agent = agenthost.realtime_agent {
  name = "mistaken",
  endpoints = { { path = "/ok", task_type = "ok" } },
  config = { max_queued_tasks = 7, port = 8080 },
}
agent:task("ok", function() return 1 end)
"""


def said(arguments, code, *words, folder=None, environment=None, data=None):
    """Runs the program to its end: its exit code, and what it says on standard error."""
    done = subprocess.run(
        [program(), *map(str, arguments)], env=clean_environment(environment), cwd=folder, timeout=60, input=data,
        stdin=None if data is not None else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = done.stdout.decode(), done.stderr.decode()
    equal(done.returncode, code, f"{arguments}: {output}{errors}")
    for word in words:
        assert word in errors, f"{arguments}: {word!r} in {errors!r}"
    return output, errors


@case("a script of somebody who knows other languages is refused with the line and with what Lua writes")
def scripts():
    head = 'local agent = agenthost.realtime_agent { name = "a" }\n'
    for text, words in [
            ('agent:task("t", function(task)\n  if task.query != "x" then return 1 end\nend)',
             "agent.lua:3: 'then' expected near '!' (Lua writes ~= for !=)"),
            ("local n = 1\nn += 1", "agent.lua:3: syntax error near '+' (Lua has no +=: n = n + …)"),
            ("if agent then\n print(1)\nelse if agenthost then\n print(2)\nend",
             "(the else if of line 4 opens another if, with an end of its own: elseif is one word in Lua)"),
            ("agent:on_mesage('t', function() end)", "agent.lua:2: an agent has no 'on_mesage' (did you mean 'on_message'?)"),
            ("agent.task('t', function() end)", "agent.lua:2: call it with a colon: agent:task(…)"),
            ("agent:task('t')", "agent.lua:2: bad argument 'fn' to 'task' (function expected, got nothing)"),
            ("agent:get('/x', function() end)", "an endpoint is declared with the agent, endpoints = {"),
            ("local f = io.open('x')", "agenthost.file.read reads a file beside the script, agenthost.store keeps data"),
            ("os.execute('ls')", "there is no os.execute: an agent reaches no files or processes: agenthost.http"),
            ("local http = require 'socket.http'", "module 'socket.http' is not there: use agenthost.http.get"),
            ("local json = require 'cjson'", "module 'cjson' is not there: use agenthost.json.encode"),
            ("for x in { 1, 2 } do end", "a loop over a table is written for _, item in ipairs(list) do"),
            ("agent:on_message('t', function() end, { attempts = '3' })", "an integer from 1 to 1000 expected, got string")]:
        with scripts_folder({"agent.lua": head + text}) as folder:
            output, errors = said(["check", "agent.lua"], 1, words, folder=folder)
            equal(len(errors.splitlines()), 1, errors)
            said(["run", "agent.lua", "--no-embedded", "--port", "0"], 1, words, folder=folder)
    single = 'agenthost.agent { endpoints = { path = "/x", task_type = "x" } }'
    with scripts_folder({"agent.lua": single}) as folder:
        said(["check", "agent.lua"], 1, "agent.lua:1: field of agenthost.agent 'endpoints': a list of tables expected, got a "
             'table of named fields; it is written endpoints = { { path = "/path", task_type = "task" } }', folder=folder)


@case("check warns of an accidental global and of a topic that is probably another, and passes; run logs the same")
def warnings():
    script = AGENT + 'agent:on_message("/building/temp", function(data)\n  total = data\nend)\n'
    expected = [
        'agent.lua:7: the topic "/building/temp" begins with a slash, which is part of its name: "building/temp" is another',
        "agent.lua:8: total is assigned as a global, which all handlers share and a reload loses: write local total, or keep "
        "it in agent.state"]
    with scripts_folder({"agent.lua": script}) as folder:
        output, errors = said(["check", "agent.lua"], 0, folder=folder)
        equal(errors.splitlines(), ["warning: " + line for line in expected])
        with Host({}, agents=["agent.lua"], folder=folder) as host:
            for line in expected:
                until(lambda: line.replace('"', "") in host.output().replace('"', "").replace("\\", ""), f"{line} is logged")


@case("a first word that is no command names the one that was meant")
def commands():
    with scripts_folder({"x.lua": AGENT, "x_test.lua": ""}) as folder:
        for arguments, words in [
                (["x.lua"], "a command is missing; did you mean `agenthost run x.lua`?"),
                (["x"], "a command is missing; did you mean `agenthost run x.lua`?"),
                (["dlq", "shwo", "orders.dlq"], "did you mean `agenthost dlq show orders.dlq`?"),
                (["dlq", "orders.dlq"], "did you mean `agenthost dlq show orders.dlq`?"),
                (["x_test.lua"], "did you mean `agenthost test x_test.lua`?"),
                (["start", "x.lua"], "there is no command 'start'; did you mean `agenthost run x.lua`?"),
                (["serve", "x.lua", "--port", "0"], "did you mean `agenthost run x.lua --port 0`?"),
                (["--port", "0", "x.lua"], "--port belongs to a command; did you mean `agenthost run --port 0 x.lua`?"),
                (["chekc", "x.lua"], "did you mean `agenthost check x.lua`?"),
                (["publish", "kafka:a", '{"a": 1}'], "did you mean `agenthost send kafka:a '{\"a\": 1}'`?"),
                (["stop"], "there is no command 'stop': Ctrl-C stops a host, or SIGTERM to its process"),
                (["dance"], "there is no command 'dance'; there are broker, check, config,")]:
            said(arguments, 2, words, folder=folder)
        version = command("--version").stdout
        for arguments in (["version"], ["-V"]):
            equal(command(*arguments).stdout, version)
        for arguments in (["help"], ["--help"], ["help", "run"], ["run", "--help"]):
            done = command(*arguments)
            equal(done.returncode, 0, done.stderr)
            assert "USAGE" in done.stdout, done.stdout


@case("a path that is no script names what it is, and the script that was meant")
def paths():
    files = {"health.lua": AGENT, "app.py": "import json\n", "oam.yaml": "kind: Application\n",
             "health_test.lua": 'local test = agenthost.test\ntest("it", function() end)\n', "agents/a.lua": AGENT}
    with scripts_folder(files) as folder:
        for name, words in [
                ("healt.lua", "healt.lua: no such file (did you mean health.lua?)"),
                ("health", "health: no such file (did you mean health.lua?)"),
                ("agents/b.lua", "agents/b.lua: no such file (did you mean agents/a.lua?)"),
                ("other.lua", "other.lua: no such file (there are health.lua, health_test.lua)"),
                ("agents", "agents: is a directory; name the Lua file in it (a.lua)"),
                ("app.py", "app.py: is a Python file; an agent is a Lua script"),
                ("oam.yaml", "oam.yaml: is a YAML file; an OAM application is given as --oam FILE"),
                ("health_test.lua", "health_test.lua:1: agenthost has no 'test' (it is there in a file of tests, which "
                                    "`agenthost test FILE` runs)")]:
            said(["check", name], 1, words, folder=folder)
            said(["run", name, "--no-embedded", "--port", "0"], 1, words, folder=folder)
        done = command("test", "health.lua", folder=folder)
        equal(done.returncode, 1, done.stderr)
        assert "health.lua:1: a file of tests declares no agent, and loads one with test.load \"agent.lua\"; `agenthost check FILE`" in done.stdout, done
        done = command("test", "healt_test.lua", folder=folder)
        equal(done.returncode, 2, done.stderr)
        assert "healt_test.lua: no such file" in done.stderr and "health_test.lua" in done.stderr, done.stderr


@case("a ready file that cannot be written is told before anything starts")
def ready_file():
    with scripts_folder({"agent.lua": AGENT, "file": ""}) as folder:
        for path, words in [("nowhere/ready.json", "there is no folder"), (str(folder), "it is a folder; name a file in it"),
                            ("file/ready.json", "is no folder"), ("", "a path is expected")]:
            for arguments in (["run", "agent.lua", "--no-embedded", "--port", "0"], ["broker"]):
                output, errors = said([*arguments, "--ready-file", path], 2, f"--ready-file {path}: ", words, folder=folder)
                equal(output, "", "nothing has started")


@case("a port in use is told with who has it and what to do, and so is an address that cannot be listened on")
def ports():
    with scripts_folder({"agent.lua": AGENT}) as folder, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        name = pathlib.Path("/proc/self/comm").read_text().strip()
        run_agent = ["run", "agent.lua", "--no-embedded"]
        said([*run_agent, "--port", port], 3, f"127.0.0.1:{port} is in use by {name} (process {os.getpid()}): end that, or take "
             "another port with --port or PORT (0 for a free one)", folder=folder)
        said([*run_agent, "--port", port, "--workers", "2"], 3, f"(process {os.getpid()})", folder=folder)
        said([*run_agent, "--port", "0", "--host", "nowhere.invalid"], 3,
             'no address is known for "nowhere.invalid" (--host, HOST)', folder=folder)
        said([*run_agent, "--port", "0"], 3, "192.0.2.7 is no address of this machine (--host, HOST)", folder=folder,
             environment={"HOST": "192.0.2.7"})
        with Host(AGENT) as host:
            said([*run_agent, "--port", host.port], 3, f"in use by agenthost (process {host.pid})", folder=folder)


@case("agents that cannot be together are told with the lines of both")
def together():
    other = AGENT.replace('"/ok"', '"/other"')
    paths = AGENT.replace('"mistaken"', '"second"')
    with scripts_folder({"a.lua": AGENT, "b.lua": other, "c.lua": paths}) as folder:
        for command_name in ("check", "run"):
            flags = [] if command_name == "check" else ["--no-embedded", "--port", "0"]
            said([command_name, "a.lua", "b.lua", *flags], 1, 'b.lua:1, and a.lua:1: two agents are named "mistaken"',
                 folder=folder)
            said([command_name, "a.lua", "c.lua", *flags], 1,
                 "c.lua:1: agent second: POST /ok is already served by a.lua:1: agent mistaken", folder=folder)
        clients = ', websocket_endpoints = { { path = "/ws/x" } }, config = {'
        for name, agent, endpoint in (("f", "sixth", "/f"), ("g", "seventh", "/g")):
            (folder / f"{name}.lua").write_text(
                AGENT.replace('"mistaken"', f'"{agent}"').replace('"/ok"', f'"{endpoint}"').replace(",\n  config = {", clients))
        said(["check", "f.lua", "g.lua"], 1, "g.lua:1: agent seventh: WebSocket /ws/x is already served by f.lua:1: agent sixth",
             folder=folder)
        (folder / "h.lua").write_text(AGENT.replace(",\n  config = {", clients.replace("/ws/x", "/ws")))
        said(["check", "h.lua"], 1, "h.lua:1: agent mistaken: WebSocket /ws is already served by the host; take another path",
             folder=folder)
        for path, owner in [("/health", "GET"), ("/metrics", "GET"), ("/realtime/status", "GET"), ("/stream/events", "GET"),
                            ("/livez", "GET"), ("/readyz", "GET"), ("/realtime/broadcast", "POST")]:
            text = AGENT.replace('path = "/ok"', f'path = "{path}", method = "{owner}"')
            (folder / "d.lua").write_text(text)
            said(["check", "d.lua"], 1, f"d.lua:1: agent mistaken: {owner} {path} is already served by the host; take another",
                 folder=folder)
        ignored = AGENT.replace('"mistaken"', '"ignored"').replace('"/ok"', '"/ignored"').replace("port", "max_connections")
        (folder / "e.lua").write_text(ignored)
        with Host({}, agents=["a.lua", "e.lua"], folder=folder) as host:
            until(lambda: "e.lua:1: config.max_connections has no effect: of several agents the first one's settings are the host's"
                  in host.output(), "the ignored setting")


@case("send names the host that it took, reads standard input, sends raw bytes, and says what is wrong with a message")
def send():
    with scripts_folder({"a.lua": AGENT, "b.lua": AGENT}) as folder:
        registry = {"XDG_RUNTIME_DIR": str(folder)}
        said(["send", "kafka:x", "{}"], 1, "no host runs that this user has started: start one with `agenthost run AGENT.lua`",
             environment=registry)
        with Host({}, agents=["a.lua"], folder=folder, embedded=True, environment=registry) as first:
            named = f"sent to http://127.0.0.1:{first.port} (process {first.pid})\n"
            # By that user's folder, without the ready file.
            output, errors = said(["send", "kafka:sent", "-"], 0, environment=registry, data=b'{"n": 1}')
            equal((output, errors), (named, ""))
            output, _ = said(["send", "kafka:sent", "--raw", "21.5 °C"], 0, environment=registry)
            equal(output, named)
            payloads = {one["payload"] for one in kcat_wait(first.kafka, "sent", 2)}
            equal(payloads, {'{"n": 1}', "21.5 °C"})
            for arguments, code, words in [
                    (["kafka:x", "{a: 1}"], 1, 'the message is not JSON: Expecting property name enclosed in double quotes at '
                                               'byte 1, at "a: 1}"; a shell wants single quotes around JSON'),
                    (["kafka:x", '{"a": '], 1, "byte 6, its end"),
                    (["kafka:a/b", "{}"], 1, '"a/b" is no Kafka topic: 1 to 249 letters, digits, \'.\', \'_\' and \'-\' expected; is '
                                             "mqtt:a/b meant?"),
                    (["mqtt:a/+", "{}"], 1, '"a/+" is no MQTT topic to send to'),
                    (["readings", "{}"], 2, "readings: kafka:TOPIC, mqtt:TOPIC or event:TYPE expected; is kafka:readings meant"),
                    (["event:x", "{}", "--raw"], 2, "--raw: the data of an event is a JSON object"),
                    (["event:x", "[1]"], 1, "the data of an event is a JSON object"),
                    (["kafka:x"], 2, "<message>"), (["kafka:x", "{}", "--pid", "1"], 1, "process 1 is no host; these run: http")]:
                said(["send", *arguments], code, words, environment=registry)
            with Host({}, agents=["b.lua"], folder=folder, environment=registry) as second:
                output, errors = said(["send", "event:custom_event", "{}"], 0, environment=registry)
                equal(output, f"sent to http://127.0.0.1:{second.port} (process {second.pid})\n")
                equal(errors, "2 hosts run, and this one was started last; --pid or --ready-file chooses another: "
                              f"http://127.0.0.1:{first.port} (process {first.pid})\n")
                output, errors = said(["send", "event:custom_event", "{}", "--pid", first.pid], 0, environment=registry)
                equal((output, errors), (named, ""))
                said(["send", "kafka:x", "{}"], 1, f"the host at http://127.0.0.1:{second.port} (process {second.pid}) has no Kafka",
                     environment=registry)


@case("a result that is no data fails the task with its path, and with the line in the log")
def results():
    bodies = [("return function() end", "result is a function"), ("return { a = { b = print } }", "result.a.b is a function"),
              ("return coroutine.create(print)", "result is a thread"), ("return { 1, x = 2 }", "result is an array that has")]
    script = 'local agent = agenthost.agent { name = "a", endpoints = {\n'
    script += "".join(f'  {{ path = "/{n}", task_type = "t{n}" }},\n' for n in range(len(bodies))) + "} }\n"
    script += "".join(f'agent:task("t{n}", function(task) {body} end)\n' for n, (body, _) in enumerate(bodies))
    with Host(script) as host:
        for n, (body, words) in enumerate(bodies):
            answer = host.post(f"/{n}", {"query": ""})
            equal(answer.status, 500, answer)
            assert answer.json["detail"].startswith(f"Agent processing failed: {words}"), answer
            until(lambda: f"agent.lua:{n + len(bodies) + 3}: {words}" in host.output(), f"the line of {body}")


@case("a setting, or the name, that a reload changes and that takes a restart is told, once, and never a secret")
def held():
    with Host(AGENT) as host:
        def reload(text, generation):
            host.script.write_text(text)
            until(lambda: host.health()["script"]["generation"] == generation, f"generation {generation}")

        told = "config.allowed_hosts is shop.example now, which takes a restart of the host; until then it is not set"
        with_hosts = AGENT.replace("port = 8080", 'port = 8080, allowed_hosts = "shop.example", kafka_password = "sesame"')
        reload(with_hosts, 2)
        until(lambda: told in host.output() or told.replace("not set", "") in host.output(), "the changed setting")
        assert "config.kafka_password has changed, which takes a restart" in host.output(), host.output()
        assert "sesame" not in host.output()
        # The flag --port stands above the script's.
        reload(with_hosts.replace("8080", "9999").replace("max_queued_tasks = 7", "max_queued_tasks = 8"), 3)
        reload(with_hosts.replace('"mistaken"', '"renamed"'), 4)
        until(lambda: 'the agent "mistaken" is named "renamed" now' in host.output(), "the changed name")
        assert "config.port" not in host.output() and "max_queued" not in host.output(), host.output()
        equal(host.output().count("config.allowed_hosts is"), 1)


run()
