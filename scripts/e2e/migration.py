"""The migration guide: its scripts load and do what it says, and the environment of an agent-common service is understood."""

import json
import re

from support import ROOT, Host, case, command, equal, kcat_produce, kcat_wait, run, scripts_folder

GUIDE = ROOT / "Sources/AgentHosting/AgentHosting.docc/Migration.md"


def scripts():
    """The Lua of the guide by the file name in its first line."""
    found = dict(re.findall(r"```lua\n-- (\S+\.lua)\n(.*?)```", GUIDE.read_text(), re.S))
    equal(set(found), {"standard.lua", "realtime.lua", "streaming.lua", "health.lua", "health_test.lua"})
    return found


@case("every script of the guide loads")
def load():
    with scripts_folder(scripts()) as folder:
        for name in ("standard", "realtime", "streaming", "health"):
            done = command("check", f"{name}.lua", folder=folder)
            equal(done.returncode, 0, done.stdout + done.stderr)


@case("the guide's test file passes")
def guide_tests():
    with scripts_folder(scripts()) as folder:
        done = command("test", ".", folder=folder)
        equal(done.returncode, 0, done.stdout + done.stderr)


@case("the guide's standard agent answers, and has no realtime route")
def standard():
    with Host(scripts()["standard.lua"]) as host:
        equal(host.task("/analyze", query="fever"), {"known": "above 38 °C"})
        equal(set(host.get("/").json), {"service", "status"})
        equal(host.get("/realtime/status").status, 404)
        equal(host.get("/capabilities").json["supported_task_types"], ["analyze", "process"])
        equal([host.get(path).status for path in ("/docs", "/openapi.json", "/process")], [404, 404, 404])


@case("the guide's realtime agents handle messages, emit, broadcast and publish")
def realtime():
    found = scripts()
    with Host({name: found[name] for name in ("realtime.lua", "streaming.lua")}, embedded=True) as host:
        with host.websocket("/ws/health") as client, host.websocket("/ws/monitoring") as monitor:
            kcat_produce(host.kafka, "health_data", {"device_id": "d1"})
            record = json.loads(kcat_wait(host.kafka, "processed_health", 1)[0]["payload"])
            equal(set(record), {"device_id", "processed_at"})
            kcat_produce(host.kafka, "blood_pressure", {"systolic": 150})
            event = client.receive("realtime_event", lambda m: m["payload"]["event_type"] == "alert_triggered", timeout=30)
            equal(event["payload"]["data"], {"type": "high_blood_pressure", "reading": {"systolic": 150}})
            equal(event["payload"]["source_service"], "health-agent")
            kcat_produce(host.kafka, "heart_rate", {"value": 61})
            message = monitor.receive("topic_message", timeout=30)
            equal(message["payload"], {"topic": "system_metrics", "data": {"heart_rate": 61}})
            equal(command("send", "event:data_processed", '{"n": 1}', "--ready-file", host.ready_file).returncode, 0)
            equal(client.receive("data_update")["payload"], {"n": 1})


# Each variable of the contract with a value that is not its default, and how `agenthost config` shows it.
VARIABLES = {
    "AGENT_TYPE": "business-analyst", "IMPLEMENTATION_TYPE": "anthropic", "SERVICE_NAME": "service-x", "LOG_LEVEL": "WARNING",
    "PORT": "9123", "HOST": "127.0.0.2", "ANTHROPIC_API_KEY": "sesame-1", "OPENAI_API_KEY": "sesame-2",
    "REDIS_HOST": "redis-x", "REDIS_PORT": "6399", "MAX_CONCURRENT_TASKS": "11", "MAX_QUEUED_TASKS": "1025",
    "TASK_TIMEOUT": "301", "ALLOWED_ORIGINS": "https://page-x.example", "WEBSOCKET_ENABLED": "false",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka-x:9092", "KAFKA_SCHEMA_REGISTRY_URL": "http://registry-x:8081",
    "KAFKA_USERNAME": "kafka-user-x", "KAFKA_PASSWORD": "sesame-3", "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_SASL_MECHANISM": "SCRAM-SHA-256", "STREAMING_TOPICS": "topic-x,topic-y", "STREAMING_CONSUMER_GROUP": "group-x",
    "KAFKA_AUTO_OFFSET_RESET": "latest", "MQTT_HOST": "mqtt-x", "MQTT_PORT": "1884", "MQTT_USER": "mqtt-user-x",
    "MQTT_PASSWORD": "sesame-4", "MQTT_PROTOCOL": "mqtts", "MQTT_CLIENT_ID": "client-x", "MQTT_TOPICS": "beds/+",
    "DB_HOST": "db-x", "DB_PORT": "5433", "DB_NAME": "name-x", "DB_USER": "db-user-x", "DB_PASSWORD": "sesame-5",
    "DB_SSL_MODE": "require", "DB_CONNECTION_STRING": "postgresql://sesame-6", "METABASE_URL": "http://metabase-x:3000",
    "METABASE_USER": "metabase-user-x", "METABASE_PASSWORD": "sesame-7", "METABASE_API_KEY": "sesame-8",
    "METABASE_DATABASE_ID": "42", "LENSES_URL": "http://lenses-x:9991", "LENSES_USER": "lenses-user-x",
    "LENSES_PASSWORD": "sesame-9", "LENSES_API_KEY": "sesame-10", "LENSES_WS_URL": "ws://lenses-x:9991",
    "JWT_ISSUER_URI": "https://issuer-x.example", "PRODUCE_OUT": "out-x", "REALTIME_ROLE": "processor",
    "REALTIME_PLATFORM": "platform-x", "SECRETS_PATH": "/absent-x",
}
# Those that stand for another when it is not set.
SECOND_NAMES = {"REALTIME_PLATFORM_NAME": ("REALTIME_PLATFORM", "platform-y"), "AUTH0_ISSUER": ("JWT_ISSUER_URI", "issuer-y"),
                "CONSUME_IN": ("STREAMING_TOPICS", "in-x")}


def listing(environment):
    """`agenthost config` as lines by setting."""
    with scripts_folder({"agent.lua": 'agenthost.realtime_agent { name = "plain" }\n'}) as folder:
        done = command("config", "agent.lua", folder=folder, environment=environment)
    equal(done.returncode, 0, done.stdout + done.stderr)
    assert "sesame" not in done.stdout + done.stderr, done
    return {line.split()[0].lower(): line for line in done.stdout.splitlines() if line.strip()}


@case("every environment variable of the library is understood, and config names it as the origin")
def variables():
    lines = listing(VARIABLES)
    for name, value in VARIABLES.items():
        field = "produce_topics" if name == "PRODUCE_OUT" else name.lower()
        shown = "****" if "sesame" in value else value
        for part in shown.split(","):
            assert part in lines[field] and name.replace("PRODUCE_OUT", "PRODUCE_") in lines[field], lines[field]
    lines = listing({second: value if second != "AUTH0_ISSUER" else f"https://{value}.example"
                     for second, (_, value) in SECOND_NAMES.items()})
    for second, (first, value) in SECOND_NAMES.items():
        assert value in lines[first.lower()], lines[first.lower()]


run()
