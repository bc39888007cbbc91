"""Contract section 1: the commands, what they print and how they end."""

import json
import re
import shutil
import signal
import socket
import subprocess
import time

from support import (
    ROOT, Host, Running, case, command, equal, kcat_wait, mqtt_reader, note, run, scripts_folder, until,
)

AGENT = """
local agent = agenthost.realtime_agent {
  name = "commanded",
  endpoints = { { path = "/ok", task_type = "ok" } },
  config = { kafka_password = "sesame-from-script", max_queued_tasks = 7, streaming_topics = { "extra" } },
}
agent:task("ok", function() return 1 end)
agent:on_message("readings", function(data) end)
agent:on_event("custom_event", function(event) agenthost.log.info("event " .. agenthost.json.encode(event.data)) end)
agent:every(60, function() end)
"""


@case("check prints what the agent has, without a transport")
def check():
    with scripts_folder({"agent.lua": AGENT, "bad.lua": "local x =\n"}) as folder:
        done = command("check", "agent.lua", folder=folder)
        equal(done.returncode, 0, done.stderr)
        for words in ("/ok", "readings", "extra", "custom_event", "60"):
            assert words in done.stdout, f"{words} in {done.stdout}"
        done = command("check", "agent.lua", "bad.lua", folder=folder)
        equal(done.returncode, 1)
        assert "bad.lua:" in done.stdout + done.stderr, done
        (folder / "says.lua").write_text("agenthost.agent { name = 'says' }\nprint('hello')\n")
        done = command("check", "says.lua", folder=folder)
        assert " INFO hello agent=" in done.stderr, f"a line of the host's log: {done.stderr}"
        for name in ("hello", "health", "gateway", "ingest", "processor", "building/building"):
            equal(command("check", ROOT / "examples" / f"{name}.lua").returncode, 0, name)


@case("config prints every setting with its origin, secrets as ****")
def config():
    environment = {"PORT": "9123", "KAFKA_PASSWORD": "sesame-1", "DB_PASSWORD": "sesame-2", "ANTHROPIC_API_KEY": "sesame-3"}
    with scripts_folder({"agent.lua": AGENT}) as folder:
        done = command("config", "agent.lua", folder=folder, environment=environment)
        equal(done.returncode, 0, done.stderr)
        assert "sesame" not in done.stdout + done.stderr, done
        assert "****" in done.stdout
        lines = done.stdout.splitlines()
        for name, value in (("PORT", "9123"), ("MAX_QUEUED_TASKS", "7"), ("TASK_TIMEOUT", "300"), ("LOG_LEVEL", "INFO"),
                            ("KAFKA_AUTO_OFFSET_RESET", "earliest")):
            assert any(name in line.upper() and value in line for line in lines), f"{name} {value} in {done.stdout}"


@case("a script has settings of its own: config shows them with their source, a wrong one stops the start, no secret is shown")
def own_settings():
    script = """
local setting = agenthost.setting
local agent = agenthost.agent { name = "own", endpoints = { { path = "/all", task_type = "all" } }, config = {
  task_timeout = 60,
  weather_url = setting { env = "WEATHER_URL", default = "http://localhost:1", kind = "url" },
  limit = setting { env = "WEATHER_LIMIT", default = 3 }, places = setting { default = { "a", "b" } },
  token = setting { env = "WEATHER_TOKEN", secret = true }, fine = setting { kind = "boolean" },
} }
agent:task("all", function()
  local c = agent.config
  return { c.weather_url, c.limit, c.places, c.token, c.fine == nil, c.mqtt_host == nil, math.type(c.task_timeout),
    select(2, pcall(function() return c.wether_url end)) }
end)
"""
    environment = {"WEATHER_URL": "https://example.com/w", "WEATHER_LIMIT": "2.5", "WEATHER_TOKEN": "s3cret-of-ours"}
    with Host(script, environment=environment) as host:
        result = host.task("/all")
        equal(result[:7], ["https://example.com/w", 2.5, ["a", "b"], "s3cret-of-ours", True, True, "integer"])
        assert "agent.config has no 'wether_url' (did you mean 'weather_url'?)" in result[7], result
    with scripts_folder({"agent.lua": script}) as folder:
        done = command("config", "agent.lua", folder=folder, environment=environment)
        equal(done.returncode, 0, done.stderr)
        shown = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
        assert "https://example.com/w" in shown["weather_url"] and "WEATHER_URL" in shown["weather_url"], shown["weather_url"]
        assert "default" in shown["places"] and "a,b" in shown["places"], shown["places"]
        assert "****" in shown["token"] and "s3cret" not in done.stdout + done.stderr, shown["token"]
        for name, value, words in [("WEATHER_LIMIT", "many", "WEATHER_LIMIT=many"), ("FINE", "perhaps", "FINE=perhaps"),
                                   ("WEATHER_URL", "nowhere", "WEATHER_URL=nowhere")]:
            done = command("check", "agent.lua", folder=folder, environment={name: value})
            equal(done.returncode, 1)
            assert words in done.stderr and "expected" in done.stderr, done.stderr
        wrong = script.replace('setting { env = "WEATHER_TOKEN", secret = true }',
                               'setting { env = "WEATHER_TOKEN", secret = true, kind = "integer" }')
        (folder / "agent.lua").write_text(wrong)
        done = command("check", "agent.lua", folder=folder, environment=environment)
        assert done.returncode == 1 and "WEATHER_TOKEN=****" in done.stderr and "s3cret" not in done.stderr, done.stderr
        for text, words in [('env = "KAFKA_PASSWORD"', "kafka_password"), ('env = "CONSUME_X"', "streaming_topics"),
                            ('kind = "integer", default = "x"', "whole number")]:
            (folder / "agent.lua").write_text(script.replace('kind = "boolean"', text))
            done = command("check", "agent.lua", folder=folder)
            assert done.returncode == 1 and "config.fine" in done.stderr and words in done.stderr, done.stderr
        (folder / "agent.lua").write_text(script.replace("task_timeout = 60", "port = setting { default = 1 }"))
        done = command("check", "agent.lua", folder=folder)
        assert done.returncode == 1 and "config.port" in done.stderr, done.stderr


@case("compiled Lua is refused by the name of its file, as the script and as a module")
def compiled():
    code = b"\x1bLuaT\x00\x19\x93\r\n\x1a\n"
    with scripts_folder({"agent.lua": "agenthost.agent { name = 'a' }\nrequire 'm'\n"}) as folder:
        (folder / "bytecode.lua").write_bytes(code)
        (folder / "m.lua").write_bytes(code)
        for name, words in [("bytecode.lua", "bytecode.lua:1:"), ("agent.lua", "m.lua:1:")]:
            done = command("check", name, folder=folder)
            equal(done.returncode, 1)
            assert words in done.stderr and "compiled Lua" in done.stderr, done.stderr


@case("types prints the definitions of the API, and Lua accepts them")
def types():
    done = command("types")
    equal(done.returncode, 0, done.stderr)
    assert done.stdout.strip() == (ROOT / "Sources/agenthost/Resources/agenthost.lua").read_text().strip(), "as in the sources"
    assert done.stdout.startswith("---@meta")
    if shutil.which("luac5.4"):
        subprocess.run(["luac5.4", "-p", "-"], input=done.stdout, text=True, check=True, timeout=30)


@case("the definitions and the program have the same functions")
def definitions():
    text = command("types").stdout
    functions = set(re.findall(r"^function agenthost\.([\w.]+)\(", text, re.M))
    # agenthost.test is there in tests of agents only.
    functions = {name for name in functions if not name.startswith("test.")}
    methods = set(re.findall(r"^function Agent:(\w+)\(", text, re.M))
    script = "local agent = agenthost.realtime_agent { name = 'x' }\n"
    script += "".join(f"assert(agenthost.{name}, '{name}')\n" for name in sorted(functions))
    script += "".join(f"assert(agent.{name}, '{name}')\n" for name in sorted(methods))
    # Errors are how a script that only loads can tell something.
    script += """
local names = {}
for name, value in pairs(agenthost) do
  if type(value) == "function" then names[#names + 1] = name end
  if type(value) == "table" and name ~= "events" then
    for inner in pairs(value) do names[#names + 1] = name .. "." .. inner end
  end
end
error("HAS " .. table.concat(names, " ") .. " END")
"""
    with scripts_folder({"agent.lua": script}) as folder:
        done = command("check", "agent.lua", folder=folder)
    found = re.search("HAS (.*) END", done.stdout + done.stderr)
    assert found, done
    equal(set(found[1].split()) ^ functions, set(), "functions that only one of them has")


@case("a start is ready within a second, prints its endpoints and writes the ready file")
def ready():
    with Host(AGENT) as host:
        pass
    began = time.monotonic()
    with Host(AGENT, embedded=True) as host:
        took = time.monotonic() - began
        note(f"ready after {took:.2f} s with embedded brokers")
        assert took < 5, f"ready after {took:.2f} s"
        equal(set(host.ready), {"http", "kafka", "mqtt", "pid"})
        equal(host.ready["pid"], host.pid)
        until(lambda: f"http://127.0.0.1:{host.port}" in host.output(), "the address is printed")
        for words in (host.kafka, host.mqtt, "in memory"):
            assert words in host.output(), f"{words} in {host.output()}"
    with Host(AGENT) as host:
        equal((host.kafka, host.mqtt), (None, None))


@case("SIGTERM and SIGINT stop cleanly, embedded brokers with the host")
def stopping():
    for number in (signal.SIGTERM, signal.SIGINT):
        with Host(AGENT, embedded=True) as host:
            mqtt = host.mqtt
            host.signal(number)
            equal(host.process.wait(20), 0)
            name, _, port = mqtt.rpartition(":")
            with socket.socket() as probe:
                assert probe.connect_ex((name, int(port))) != 0, "mosquitto is gone"


@case("send puts messages into a running host's brokers")
def send():
    with Host(AGENT, embedded=True) as host, mqtt_reader(host.mqtt, "sent/#") as reader:
        def send_one(target, text):
            return command("send", target, text, "--ready-file", host.ready_file)

        done = send_one("kafka:sent", '{"n": 1}')
        equal(done.returncode, 0, done.stderr)
        equal(json.loads(kcat_wait(host.kafka, "sent", 1)[0]["payload"]), {"n": 1})
        done = send_one("mqtt:sent/x", '{"n": 2}')
        equal((done.returncode, done.stderr), (0, ""))
        reader.wait(lambda line: line.startswith("sent/x\t") and '"n"' in line, "the message")
        with host.websocket("/ws") as client:
            client.receive("connection_established")
            done = send_one("event:custom_event", '{"n": 3}')
            equal(done.returncode, 0, done.stderr)
            client.receive("realtime_event", lambda m: m["payload"]["event_type"] == "custom_event")
        until(lambda: 'event {"n":3}' in host.output(), "the agent's on_event handler has it")
        for target, text, code in (("kafka:x", "{bad", 1), ("smoke:x", "{}", 2), ("kafka:", "{}", 2), ("kafka:no space", "{}", 1)):
            done = send_one(target, text)
            equal(done.returncode, code, f"{target} {text}: {done}")
            assert done.stderr, done


@case("broker is the development brokers as a process of their own")
def broker():
    with scripts_folder({}) as folder, Running(["broker"], folder) as brokers:
        assert brokers.kafka and brokers.mqtt, brokers.ready
        environment = {"KAFKA_BOOTSTRAP_SERVERS": brokers.kafka, "MQTT_HOST": brokers.mqtt.rpartition(":")[0],
                       "MQTT_PORT": brokers.mqtt.rpartition(":")[2]}
        with Host(AGENT, environment=environment) as host:
            equal(host.kafka, brokers.kafka)
            until(lambda: host.health()["status"] == "healthy", "connected")
            kinds = {one["connection_type"] for one in host.get("/realtime/status").json["connections"]}
            equal(kinds, {"kafka", "mqtt"})


@case("a wrong flag is wrong usage, and a wrong variable is a wrong configuration")
def usage():
    with scripts_folder({"agent.lua": "agenthost.agent { name = 'a' }"}) as folder:
        for arguments, environment, code, words in (
                (["--port", "abc"], {}, 2, "PORT=abc"), (["--port", "70000"], {}, 2, "PORT=70000"),
                (["--host", "a/b"], {}, 2, "HOST=a/b"), (["--log-level", "LOUD"], {}, 2, "LOG_LEVEL=LOUD"),
                (["--log-format", "xml"], {}, 2, "xml"), (["--workers", "many"], {}, 2, "many"), (["--nothing"], {}, 2, "nothing"),
                ([], {"PORT": "abc"}, 1, "PORT=abc"), ([], {"LOG_LEVEL": "LOUD"}, 1, "LOG_LEVEL=LOUD"),
                (["--port", "0"], {"HOST": "a/b"}, 1, "HOST=a/b")):
            done = command("run", "agent.lua", "--no-embedded", *arguments, folder=folder, environment=environment)
            equal(done.returncode, code, f"{arguments} {environment}: {done.stderr}")
            assert words in done.stderr, f"{words} in {done.stderr}"


@case("secrets tells what is there, never a value, and is 1 unless all is complete")
def secrets():
    files = {"ward-kafka-secret/KAFKA_BOOTSTRAP_SERVERS": "broker-sesame:9092", "ward-mqtt-secret/MQTT_USER": "sesame"}
    with scripts_folder(files) as folder:
        done = command("secrets", "ward", environment={"SECRETS_PATH": str(folder)})
        equal(done.returncode, 1, done.stderr)
        assert "ward-kafka-secret" in done.stdout and "MQTT_HOST" in done.stdout, done
        assert "sesame" not in done.stdout + done.stderr, done


run()
