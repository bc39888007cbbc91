"""`agenthost run --role`: gateway, ingest and processor without a script, what a script may override, and --oam."""

import contextlib
import json
import re

from support import Host, Running, case, command, equal, kcat_produce, kcat_read, kcat_wait, run, scripts_folder, until


@contextlib.contextmanager
def brokers():
    with scripts_folder({}) as folder, Running(["broker"], folder) as running:
        yield running


def role(name, broker, script=None, arguments=(), **environment):
    """A host of the role, with an overriding script if one is given."""
    files = {} if script is None else {"part.lua": script}
    environment = {"KAFKA_BOOTSTRAP_SERVERS": broker.kafka, **environment}
    return Host(files, arguments=["--role", name, *arguments], environment=environment)


def event(client, what=None, timeout=30):
    """The data of the next data_processed event for which `what` holds."""
    return client.receive(
        "realtime_event",
        lambda m: m["payload"]["event_type"] == "data_processed" and (what is None or what(m["payload"]["data"])),
        timeout=timeout)["payload"]["data"]


def warm(host, broker, topic, client):
    """The host has its partitions: what is sent from now on is shown. Returns with nothing of the topic on the way."""
    count = 0

    def asked():
        nonlocal count
        kcat_produce(broker.kafka, topic, {"warm": count})
        count += 1
        with contextlib.suppress(AssertionError):
            client.receive("realtime_event", lambda m: m["payload"]["data"].get("topic") == topic, timeout=0.5)
            return True

    until(asked, f"{topic} is consumed", 30)
    kcat_produce(broker.kafka, topic, {"last": True})
    event(client, lambda data: data["message"] == {"last": True})


@case("two gateways of one service: the clients of each get every message")
def every():
    with brokers() as broker:
        settings = {"STREAMING_TOPICS": "orders,payments", "SERVICE_NAME": "orders-gateway"}
        with role("gateway", broker, **settings) as one, role("gateway", broker, **settings) as two:
            equal(one.get("/realtime/status").json["active_streams"], ["orders", "payments"])
            with one.websocket("/ws") as first, two.websocket("/ws") as second, two.stream("/stream/topic/orders") as stream:
                for host, client in ((one, first), (two, second)):
                    warm(host, broker, "orders", client)
                kcat_produce(broker.kafka, "orders", *[{"n": n} for n in range(40)])
                for name, client in (("first", first), ("second", second)):
                    got = sorted(event(client, lambda data: "n" in data["message"])["message"]["n"] for _ in range(40))
                    equal(got, list(range(40)), f"the {name} gateway's client")
                got = sorted(
                    stream.where(lambda e: "n" in e["data"]["data"]["message"])["data"]["data"]["message"]["n"]
                    for _ in range(40))
                equal(got, list(range(40)), "the second gateway's event stream")


def partitions(host, topic):
    """Those of the topic that the host consumes."""
    series = re.findall(r"^agenthost_kafka_unacknowledged_messages{(.*)} ", host.get("/metrics").body.decode(), re.M)
    return {line for line in series if f'topic="{topic}"' in line}


@case("two processors of one service share the work: each message is written once")
def one_group():
    with brokers() as broker:
        settings = {"CONSUME_IN": "in", "PRODUCE_OUT": "out", "SERVICE_NAME": "shared"}
        with role("processor", broker, **settings) as first, role("processor", broker, **settings) as second:
            # While the second joins, the mock cluster refuses commits, and what the first has done comes again.
            until(lambda: len(partitions(first, "in")) == len(partitions(second, "in")) == 2, "each has its half", 40)
            kcat_produce(broker.kafka, "in", *[{"n": n} for n in range(40)])
            records = kcat_wait(broker.kafka, "out", 40)
            equal(sorted(json.loads(record["payload"])["n"] for record in records), list(range(40)))


@case("a script overrides the gateway's to_message: what it returns is shown, nothing for nil")
def to_message():
    script = """
    function to_message(data, message)
      if data.secret then return nil end
      return { seen = data.n, on = message.topic }
    end
    """
    with brokers() as broker, role("gateway", broker, script, STREAMING_TOPICS="orders") as host:
        with host.websocket("/ws") as client:
            until(lambda: host.health()["status"] == "healthy", "connected")
            done = False

            def shown():
                nonlocal done
                kcat_produce(broker.kafka, "orders", {"n": 1}, partition=1)
                with contextlib.suppress(AssertionError):
                    done = event(client, timeout=0.5)
                return done

            until(shown, "a message is shown", 30)
            equal(done["message"], {"seen": 1, "on": "orders"})
            kcat_produce(broker.kafka, "orders", {"secret": True, "n": 2}, {"n": 3}, partition=1)
            equal(event(client, lambda data: data["message"]["seen"] != 1)["message"]["seen"], 3, "the secret one is left out")


@case("ingest takes any JSON at POST /ingest, and answers when the first PRODUCE_* topic has it")
def ingest():
    with brokers() as broker, role("ingest", broker, PRODUCE_READINGS="readings") as host:
        for body in ({"device": "d1", "value": 21.5}, [1, None, "x"], "text", 7):
            answer = host.post("/ingest", body)
            equal((answer.status, answer.json), (200, {"status": "accepted", "topic": "readings"}))
        records = kcat_read(broker.kafka, "readings")
        payloads = [record["payload"] for record in records]
        # The order of an object's members is Lua's, another one in each process.
        values = [json.loads(payload) for payload in payloads if payload != "text"]
        assert {"device": "d1", "value": 21.5} in values and [1, None, "x"] in values, payloads
        equal(len(payloads), 4)
        equal(host.post("/ingest", data=b"{broken", headers={"Content-Type": "application/json"}).status, 422)
        equal(host.get("/ingest").status, 405)
        equal(len(kcat_read(broker.kafka, "readings")), 4)


@case("a script overrides ingest's transform, as a field of the table it returns too")
def ingest_transform():
    script = """
    return { transform = function(data)
      if data.value == nil then return nil end
      return { celsius = data.value }
    end }
    """
    with brokers() as broker, role("ingest", broker, script, PRODUCE_READINGS="readings") as host:
        equal(host.post("/ingest", {"value": 20}).json, {"status": "accepted", "topic": "readings"})
        equal(host.post("/ingest", {"other": 20}).json, {"status": "ignored"})
        equal([record["payload"] for record in kcat_read(broker.kafka, "readings")], ['{"celsius":20}'])


@case("processor hands on bytes, key and headers as they are; transform changes the value or leaves it out")
def processor():
    script = """
    function transform(data, message)
      if data.skip then return nil end
      return { doubled = data.n * 2, from = message.topic }
    end
    """
    doubler = {"CONSUME_IN": "numbers", "PRODUCE_OUT": "doubles", "SERVICE_NAME": "doubler"}
    with brokers() as broker, role("processor", broker, CONSUME_IN="in", PRODUCE_OUT="out"):
        with role("processor", broker, script, **doubler):
            kcat_produce(broker.kafka, "in", b'{ "spaces" :  1 }', key="k1", headers={"trace": "t-1"})
            kcat_produce(broker.kafka, "numbers", {"skip": True}, {"n": 21}, key="k2")
            [record] = kcat_wait(broker.kafka, "out", 1)
            equal((record["payload"], record["key"], record["headers"]), ('{ "spaces" :  1 }', "k1", {"trace": "t-1"}))
            [record] = kcat_wait(broker.kafka, "doubles", 1)
            equal((json.loads(record["payload"]), record["key"]), ({"doubled": 42, "from": "numbers"}, "k2"))


APPLICATION = """apiVersion: core.oam.dev/v1beta1
kind: Application
metadata: {name: ward}
spec:
  components:
  - name: doubler
    type: realtime-service
    properties:
      role: processor
      consumes: [readings]
      produces: [copies]
  - name: page
    type: webservice
    properties:
      websocket: true
      streaming: {enabled: true, topics: [copies], consumerGroup: pages}
      environment: {LOG_LEVEL: debug}
"""


@case("REALTIME_ROLE runs its role without a script or a flag, and an unknown one is told")
def from_environment():
    with brokers() as broker, scripts_folder({}) as folder:
        environment = {"REALTIME_ROLE": "processor", "CONSUME_A": "in", "PRODUCE_A": "out",
                       "KAFKA_BOOTSTRAP_SERVERS": broker.kafka}
        with Host({}, agents=[], folder=folder, environment=environment):
            kcat_produce(broker.kafka, "in", {"n": 1})
            equal(json.loads(kcat_wait(broker.kafka, "out", 1)[0]["payload"]), {"n": 1})
        for role, code, words in (("procesor", 1, "REALTIME_ROLE=procesor"), ("webhook", 1, "name a script"), (" ", 2, "--role")):
            done = command("run", "--port", "0", "--no-embedded", folder=folder, environment={**environment, "REALTIME_ROLE": role})
            equal(done.returncode, code, f"{role}: {done.stderr}")
            assert words in done.stderr, f"{words} in {done.stderr}"


@case("--oam gives a component its role, topics and environment; the process's own environment goes before")
def oam():
    agent = "agenthost.realtime_agent { name = 'page' }"
    with brokers() as broker, scripts_folder({"app.yaml": APPLICATION, "page.lua": agent}) as folder:
        def component(name, *scripts, **environment):
            return Host({}, agents=scripts, folder=folder, arguments=["--oam", "app.yaml", "--component", name],
                        environment={"KAFKA_BOOTSTRAP_SERVERS": broker.kafka, **environment})

        with component("doubler"), component("page", "page.lua") as page:
            equal(page.get("/realtime/status").json["active_streams"], ["copies"])
            kcat_produce(broker.kafka, "readings", {"n": 1})
            equal(kcat_wait(broker.kafka, "copies", 1)[0]["payload"], '{"n": 1}')
        with component("page", "page.lua", STREAMING_TOPICS="others") as page:
            equal(page.get("/realtime/status").json["active_streams"], ["others"])
        for arguments, code, words in (
                (["run", "--oam", "app.yaml"], 1, "doubler"),
                (["run", "--oam", "app.yaml", "--component", "nobody"], 1, "nobody"),
                (["run", "--oam", "app.yaml", "--component", "page"], 1, "no role"),
                (["run", "--component", "page", "page.lua"], 2, "--oam"),
                (["oam", "app.yaml", "nobody"], 1, "nobody")):
            done = command(*arguments, folder=folder)
            equal(done.returncode, code, f"{arguments}: {done.stderr}")
            assert words in done.stderr, f"{words} in {done.stderr}"
        done = command("oam", "app.yaml", "page", folder=folder)
        for words in ("STREAMING_TOPICS=copies", "STREAMING_CONSUMER_GROUP=pages", "LOG_LEVEL=debug"):
            assert words in done.stdout, f"{words} in {done.stdout}"


@case("a role that lacks a topic, an unknown role, and an override that is no function end the start and say what to set")
def wrong():
    with scripts_folder({"part.lua": "to_message = 3", "a.lua": "", "b.lua": ""}) as folder:
        for arguments, environment, code, words in (
                (["--role", "gateway"], {}, 1, "STREAMING_TOPICS"),
                (["--role", "ingest"], {}, 1, "PRODUCE_"),
                (["--role", "processor"], {"CONSUME_A": "a"}, 1, "PRODUCE_"),
                (["--role", "processor"], {"PRODUCE_A": "a"}, 1, "CONSUME_"),
                (["--role", "gateway", "part.lua"], {"CONSUME_A": "a"}, 1, "to_message"),
                (["--role", "gateway", "absent.lua"], {"CONSUME_A": "a"}, 1, "absent"),
                (["--role", "gateway", "a.lua", "b.lua"], {"CONSUME_A": "a"}, 2, "one script"),
                (["--role", "smith"], {}, 2, "smith")):
            done = command("run", *arguments, "--port", "0", "--no-embedded", folder=folder, environment=environment)
            equal(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
            assert words in done.stderr, f"{words} in {done.stderr}"


run()
