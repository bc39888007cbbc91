"""Settings from files, settings that do nothing, and what differs from the defaults."""

import re

from support import Host, case, command, equal, run, scripts_folder, until

AGENT = """
local agent = agenthost.agent { name = "ward", endpoints = { { path = "/do", task_type = "act" } },
  config = { place = agenthost.setting { env = "PLACE" }, token = agenthost.setting { env = "TOKEN", secret = true } } }
agent:task("act", function() return { agent.config.place or "nowhere", agent.config.token or "none" } end)
"""

AGENT_TEST = """
local test = agenthost.test
test("the place is the file's", function()
  local host = test.load "agent.lua"
  test.equal(host:task("act")[1], "from the file")
end)
"""


def listing(folder, *arguments, environment=None):
    done = command("config", "agent.lua", *arguments, folder=folder, environment=environment)
    equal(done.returncode, 0, done.stderr)
    assert "sesame" not in done.stdout + done.stderr, done
    return {line.split()[0]: line for line in done.stdout.splitlines()}


@case("an issuer of tokens refuses the start, at a reload too, until a proxy is said to check them; config still shows it")
def issuer():
    with scripts_folder({"agent.lua": AGENT}) as folder:
        for name in ("JWT_ISSUER_URI", "AUTH0_ISSUER"):
            environment = {name: "https://issuer.example/"}
            done = command("run", "agent.lua", "--port", "0", folder=folder, environment=environment)
            equal(done.returncode, 1, done.stderr)
            for words in (name, "not checked yet", "proxy", "AUTH_BY_PROXY=true"):
                assert words in done.stderr, f"{words} in {done.stderr}"
            assert name in listing(folder, environment=environment)["jwt_issuer_uri"]
            with Host("", agents=["agent.lua"], folder=folder,
                      environment={**environment, "AUTH_BY_PROXY": "true"}) as host:
                equal(host.task("/do"), ["nowhere", "none"])
        done = command("run", "agent.lua", folder=folder, environment={"AUTH_BY_PROXY": "perhaps"})
        assert done.returncode == 1 and "AUTH_BY_PROXY=perhaps" in done.stderr, done
        with Host("", agents=["agent.lua"], folder=folder) as host:
            (folder / "agent.lua").write_text(AGENT.replace("config = {", 'config = { jwt_issuer_uri = "https://i.example",'))
            until(lambda: "not checked yet" in (host.health()["script"]["reload_error"] or ""), "the reload is refused")
            equal(host.task("/do"), ["nowhere", "none"])


@case("what is set and changes nothing is warned of once")
def idle():
    environment = {"KAFKA_SCHEMA_REGISTRY_URL": "http://u:sesame@registry.example:8081", "KAFKA_USERNAME": "u",
                   "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}
    with Host(AGENT, environment=environment) as host:
        for words in ("KAFKA_SCHEMA_REGISTRY_URL is set, but no registry is asked", "KAFKA_USERNAME is set, but nobody logs in"):
            equal(host.output().count(words), 1, host.output())
        host.script.write_text(AGENT + "-- again\n")
        until(lambda: host.health()["script"]["generation"] == 2, "reloaded")
        equal(host.output().count("no registry is asked"), 1, host.output())
        assert "sesame" not in host.output(), host.output()


@case("--env-file gives variables to run, check, config and test: the process wins, of several files the last, with file and line")
def files():
    scripts = {
        "agent.lua": AGENT, "agent_test.lua": AGENT_TEST,
        "a.env": "# of the ward\nPORT=1\nexport PLACE='from the file' # and not\nTOKEN=\"sesame\\n\"\nCONSUME_A=x\n",
        "dir/b.env": "\nPORT=0\nMAX_QUEUED_TASKS=5\n",
        "bad.env": "PORT=0\nsesame\n", "wrong.env": "\n\nPORT=sesame-port\n",
    }
    both = ("--env-file", "a.env", "--env-file", "dir/b.env")
    with scripts_folder(scripts) as folder:
        lines = listing(folder, *both, environment={"MAX_QUEUED_TASKS": "6"})
        for name, value, origin in (
                ("port", "0", "dir/b.env:2"), ("place", "from the file", "a.env:3"), ("token", "****", "a.env:4"),
                ("streaming_topics", "x", "a.env:5"), ("max_queued_tasks", "6", "environment variable MAX_QUEUED_TASKS")):
            assert re.fullmatch(rf"{name} +{re.escape(value)} +{re.escape(origin)}", lines[name]), lines[name]
        # 0 of the second file: the first one's port cannot be had.
        with Host("", agents=["agent.lua"], folder=folder, arguments=both, environment={"TOKEN": "of the process"}) as host:
            equal(host.task("/do"), ["from the file", "of the process"])
        done = command("test", ".", "--env-file", "a.env", folder=folder, environment={"PLACE": "of the process"})
        equal(done.returncode, 0, done.stdout + done.stderr)
        equal(command("test", ".", folder=folder).returncode, 1)
        for name, words in (("bad.env", "bad.env:2: expected NAME=VALUE"), ("absent.env", "absent.env cannot be read: no such file"),
                            (".", "cannot be read")):
            for arguments in (["run", "agent.lua"], ["check", "agent.lua"], ["config", "agent.lua"], ["test", "."]):
                done = command(*arguments, "--env-file", name, folder=folder)
                equal(done.returncode, 1, f"{arguments}: {done.stderr}")
                assert words in done.stderr and "sesame" not in done.stderr, done.stderr
        done = command("check", "agent.lua", "--env-file", "wrong.env", folder=folder)
        assert done.returncode == 1 and "(wrong.env:3): expected a whole number" in done.stderr, done.stderr
        done = command("run", "--env-file", "a.env", folder=folder)
        assert done.returncode == 2 and "name at least one Lua script" in done.stderr, done


@case("config --diff shows what differs from the defaults, and those; secrets stay ****")
def diff():
    with scripts_folder({"agent.lua": AGENT.replace("config = {", "config = { task_timeout = 60,")}) as folder:
        lines = listing(folder, "--diff", environment={
            "PORT": "8080", "LOG_LEVEL": "debug", "KAFKA_PASSWORD": "sesame", "TOKEN": "sesame", "STREAMING_TOPICS": "a,b"})
        equal(list(lines), ["service_name", "log_level", "task_timeout", "streaming_topics", "kafka_password", "token"])
        assert "60" in lines["task_timeout"] and lines["task_timeout"].endswith("script  (default 300)"), lines["task_timeout"]
        assert "****" in lines["kafka_password"] and "****" in lines["token"], lines


run()
