"""Contract section 2: platform secrets mounted as Kubernetes does, and credentials rotated while messages flow."""

import collections
import contextlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import threading
import time

from support import (
    Host, Lines, Mounted, Running, case, command, equal, kcat_produce, kcat_read, kcat_wait, note, run, scripts_folder,
    until,
)

AGENT = """
local agent = agenthost.realtime_agent { name = "ward-service", endpoints = { { path = "/do", task_type = "act" } } }
agent:on_message("load/in", function(data) agent:send_mqtt("load/out", data) end)
agent:task("act", function(task)
  local secrets = agenthost.secrets()
  return { user = secrets.mqtt_user, kafka = secrets.kafka_bootstrap_servers }
end)
"""

COMPLETE = {
    "kafka": {"KAFKA_BOOTSTRAP_SERVERS": "broker-sesame:9092", "KAFKA_PASSWORD": "sesame-kafka"},
    "mqtt": {"MQTT_HOST": "mqtt-sesame", "MQTT_USER": "user-sesame", "MQTT_PASSWORD": "sesame-mqtt"},
    "db": {"DB_HOST": "db-sesame", "DB_NAME": "sesame", "DB_USER": "user-sesame", "DB_PASSWORD": "sesame-db"},
    "metabase": {"METABASE_URL": "http://metabase-sesame:3000", "METABASE_API_KEY": "sesame-metabase"},
    "lenses": {"LENSES_URL": "http://lenses-sesame:9991", "LENSES_PASSWORD": "sesame-lenses"},
}


class Mosquitto:
    """A broker that admits only whom its password file names, and reads that again on SIGHUP."""

    def __init__(self, folder, users):
        self.folder = pathlib.Path(folder)
        self.passwords = self.folder / "passwords"
        self.log = self.folder / "mosquitto.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.write(users)
        # What waits for a session while its client is away is not to be cut by the broker's own limit.
        (self.folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {self.passwords}\n"
            f"max_queued_messages 0\nuser {pwd.getpwuid(os.getuid()).pw_name}\nlog_dest stderr\n")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["mosquitto", "-c", str(self.folder / "mosquitto.conf")], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0, "mosquitto listens")

    def write(self, users):
        self.passwords.touch(0o600)
        text = "".join(f"{user}:{password}\n" for user, password in users.items())
        fresh = self.folder / "passwords.new"
        fresh.write_text(text)
        fresh.chmod(0o600)
        subprocess.run(["mosquitto_passwd", "-U", str(fresh)], check=True, timeout=30)
        os.replace(fresh, self.passwords)

    def admit(self, users):
        """These users, and no other, from now on; those who are connected and no longer admitted are dropped."""
        before = self.text().count("Reloading config")
        self.write(users)
        self.process.send_signal(signal.SIGHUP)
        until(lambda: self.text().count("Reloading config") > before, "the broker has read its password file again")

    def text(self):
        return self.log.read_text(errors="replace")

    def arrivals(self, user):
        """How many connections of the service the user has opened."""
        return sum(1 for line in self.text().splitlines()
                   if "New client connected" in line and "as ward-service" in line and f"u'{user}'" in line)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.terminate()
        self.process.wait()
        if kind is not None:
            lines = [line for line in self.text().splitlines() if "PUB" not in line]
            print("        --- mosquitto:\n" + "\n".join(lines[-25:]) + "\n        ---", flush=True)


class Publisher:
    """Numbers at QoS 1, one after another, until told to stop; the broker has acknowledged all when it has stopped."""

    def __init__(self, port):
        self.process = subprocess.Popen(
            ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-u", "outside", "-P", "outside-1", "-i", "publisher",
             "-t", "load/in", "-q", "1", "-l"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.sent = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self.stopping.wait(0.002):
            self.process.stdin.write(b"%d\n" % self.sent)
            self.process.stdin.flush()
            self.sent += 1
        self.process.stdin.close()

    def __enter__(self):
        self.thread.start()
        return self

    def stop(self):
        self.stopping.set()
        self.thread.join(10)
        equal(self.process.wait(15), 0, "mosquitto_pub")

    def __exit__(self, *_):
        self.stopping.set()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()


@contextlib.contextmanager
def under_load(users):
    """A host whose secret is mounted, and a broker, with numbers on the way through both; and how to change the two.

    Once the credentials have changed, the numbers go on, and in the end each has come out at least once.
    """
    outside = {"outside": "outside-1"}
    with scripts_folder({"agent.lua": AGENT}) as folder, Mosquitto(folder, {**users, **outside}) as broker:
        user, password = next(iter(users.items()))
        place = {"MQTT_HOST": "127.0.0.1", "MQTT_PORT": str(broker.port)}
        secret = Mounted(folder / "secrets", "ward-mqtt-secret", {**place, "MQTT_USER": user, "MQTT_PASSWORD": password})

        def swap(user, password):
            secret.swap({**place, "MQTT_USER": user, "MQTT_PASSWORD": password})

        reader = Lines(
            "stdbuf", "-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", str(broker.port), "-u", "outside", "-P", "outside-1",
            "-i", "reader", "-c", "-t", "load/out", "-q", "1", "-d", "-F", "got %p")
        with reader:
            reader.wait(lambda line: line.startswith("Subscribed"), "subscribed")
            environment = {"REALTIME_PLATFORM": "ward", "SECRETS_PATH": str(folder / "secrets")}
            with Host("", agents=["agent.lua"], environment=environment, folder=folder) as host:
                until(lambda: connected(host), "MQTT is connected")

                def seen():
                    return collections.Counter(
                        int(line[4:]) for line in list(reader.lines) if line.startswith("got "))

                with Publisher(broker.port) as publisher:
                    until(lambda: len(seen()) > 100, "numbers come through")
                    yield host, broker, lambda users: broker.admit({**users, **outside}), swap
                    reached = publisher.sent
                    until(lambda: len(seen()) > reached, "numbers come through with the new credentials")
                    publisher.stop()
                    until(lambda: len(seen()) >= publisher.sent, f"all {publisher.sent} numbers, lost "
                          f"{sorted(set(range(publisher.sent)) - set(seen()))[:10]}", 15)
                counts = seen()
                equal(set(counts), set(range(publisher.sent)), "numbers that came out")
                twice = sum(count - 1 for count in counts.values())
                note(f"in {publisher.sent}, out {len(counts)}, lost 0, twice {twice}")


def connected(host):
    return any(one["connection_type"] == "mqtt" and one["status"] == "connected"
               for one in host.get("/realtime/status").json["connections"])


def within_five(broker, began, user, before):
    until(lambda: broker.arrivals(user) >= before + 2, f"{user} has connected, to read and to write", 15)
    took = time.monotonic() - began
    note(f"new credentials in use after {took:.2f} s")
    assert took < 5, f"new credentials in use after {took:.2f} s"


@case("a new user, rotated under load by the swap of ..data, is in use within 5 s, and nothing is lost")
def new_user():
    with under_load({"service-1": "sesame-1"}) as (host, broker, admit, swap):
        equal(host.task("/do"), {"user": "service-1"})
        admit({"service-1": "sesame-1", "service-2": "sesame-2"})
        before, began = broker.arrivals("service-2"), time.monotonic()
        swap("service-2", "sesame-2")
        within_five(broker, began, "service-2", before)
        admit({"service-2": "sesame-2"})
        equal(host.task("/do"), {"user": "service-2"})
        until(lambda: connected(host), "still connected without the old user")
        until(lambda: "secrets were rotated" in host.output(), "the rotation is in the log")
        assert "sesame" not in host.output(), host.output()


@case("a new password of the same user: the broker first, then the secret")
def broker_first():
    with under_load({"service": "sesame-1"}) as (host, broker, admit, swap):
        admit({"service": "sesame-2"})
        until(lambda: not connected(host), "the broker has dropped the old password")
        before, began = broker.arrivals("service"), time.monotonic()
        swap("service", "sesame-2")
        within_five(broker, began, "service", before)
        until(lambda: connected(host), "connected")


@case("a new password of the same user: the secret first, then the broker")
def secret_first():
    with under_load({"service": "sesame-1"}) as (host, broker, admit, swap):
        swap("service", "sesame-2")
        until(lambda: host.output().count("refused the connection") >= 2, "the broker refuses the new password, twice")
        before, began = broker.arrivals("service"), time.monotonic()
        admit({"service": "sesame-2"})
        within_five(broker, began, "service", before)
        until(lambda: connected(host), "connected")


KAFKA_AGENT = """
local agent = agenthost.realtime_agent { name = "ward-service" }
agent:on_message("in", function(data)
  agenthost.sleep(data.seconds or 0)
  agent:send_kafka("out", data)
end, { source = "kafka" })
"""


@case("a Kafka secret that names other brokers moves the host there; the handler in flight finishes, and what it sends arrives")
def kafka():
    with scripts_folder({"agent.lua": KAFKA_AGENT}) as folder:
        with Running(["broker"], folder) as first, Running(["broker"], folder) as second:
            secret = Mounted(folder / "secrets", "ward-kafka-secret", {"KAFKA_BOOTSTRAP_SERVERS": first.kafka})
            environment = {"REALTIME_PLATFORM": "ward", "SECRETS_PATH": str(folder / "secrets")}
            with Host("", agents=["agent.lua"], environment=environment, folder=folder) as host:
                kcat_produce(first.kafka, "in", {"n": 1})
                kcat_wait(first.kafka, "out", 1)
                kcat_produce(first.kafka, "in", {"n": 2, "seconds": 3})
                kcat_produce(second.kafka, "in", {"n": 3})
                until(lambda: host.health()["message_count"] >= 2, "the slow message is being handled")
                secret.swap({"KAFKA_BOOTSTRAP_SERVERS": second.kafka})
                # What the handler in flight sends goes to the brokers that hold when it sends.
                records = kcat_wait(second.kafka, "out", 2)
                equal({json.loads(record["payload"])["n"] for record in records}, {2, 3})
                status = host.get("/realtime/status").json["connections"]
                equal([(one["connection_type"], one["endpoint"], one["status"]) for one in status],
                      [("kafka", second.kafka, "connected")])
                kcat_produce(second.kafka, "in", {"n": 4})
                kcat_wait(second.kafka, "out", 3)
                equal([json.loads(record["payload"])["n"] for record in kcat_read(first.kafka, "out")], [1])


def mount(folder, secrets):
    for kind, values in secrets.items():
        Mounted(folder, f"ward-{kind}-secret", values)


@case("secrets exits with 0 when all five are complete, 1 when not, 2 without a platform, and shows no value")
def report():
    with scripts_folder({}) as folder:
        mount(folder, COMPLETE)
        done = command("secrets", "ward", environment={"SECRETS_PATH": str(folder)})
        equal(done.returncode, 0, done.stdout + done.stderr)
        for kind in COMPLETE:
            assert f"ward-{kind}-secret" in done.stdout, done
        assert "KAFKA_PASSWORD" in done.stdout and "sesame" not in done.stdout + done.stderr, done
        (folder / "ward-db-secret/DB_NAME").unlink()
        shutil.rmtree(folder / "ward-lenses-secret")
        (folder / "ward-lenses-secret").write_text("a file, sesame")
        done = command("secrets", "ward", environment={"SECRETS_PATH": str(folder)})
        equal(done.returncode, 1, done.stdout + done.stderr)
        for words in ("incomplete", "DB_NAME", "missing", "ward-lenses-secret"):
            assert words in done.stdout, f"{words} in {done.stdout}"
        assert "sesame" not in done.stdout + done.stderr, done
        done = command("secrets", "absent", environment={"SECRETS_PATH": str(folder)})
        equal(done.returncode, 1, done.stdout + done.stderr)
        equal(command("secrets").returncode, 2)


@case("config tells which settings came from a secret, and masks what is secret")
def config():
    with scripts_folder({"agent.lua": AGENT}) as folder:
        mount(folder / "secrets", COMPLETE)
        environment = {"REALTIME_PLATFORM": "ward", "SECRETS_PATH": str(folder / "secrets"), "MQTT_HOST": "lower",
                       "OPENAI_API_KEY": "sesame-key"}
        done = command("config", "agent.lua", folder=folder, environment=environment)
        equal(done.returncode, 0, done.stderr)
        lines = {line.split()[0].lower(): line for line in done.stdout.splitlines() if line.strip()}
        assert "mqtt-sesame" in lines["mqtt_host"] and "secret" in lines["mqtt_host"], lines["mqtt_host"]
        for name in ("kafka_password", "mqtt_password", "db_password", "metabase_api_key", "lenses_password", "openai_api_key"):
            assert "****" in lines[name] and "sesame" not in lines[name].replace("mqtt-sesame", ""), lines[name]


run()
