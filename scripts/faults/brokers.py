"""Brokers that faults are made to, each a process of its own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess

import support
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

NOIDA = "noida"
MOCK = "mock"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class KafkaBroker:
    """`agenthost broker` (librdkafka's mock cluster) or noida-db, which has real groups and transactions.

    noida-db never gives up a dead member without group.instance.id, so hosts on it have static ids.
    """

    def __init__(self, kind, folder):
        self.kind = kind
        self.folder = folder / f"{kind}-data"
        self.folder.mkdir()
        self._broker = None
        if kind == MOCK:
            self._broker = support.Running(["broker"], self.folder)
            self.address, self.process = self._broker.kafka, self._broker.process
        else:
            port = free_port()
            self.address = f"127.0.0.1:{port}"
            with open(self.folder / "log.txt", "wb") as log:
                self.process = subprocess.Popen(
                    [shutil.which("noida-db"), "start", "--only", "kafka", "--kafka-port", str(port), "--data-dir",
                     str(self.folder)], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
            support.until(self._answers, "noida-db answers", 30)

    @property
    def buries_the_dead(self):
        """Whether it gives up a member that was killed, after the session time-out."""
        return self.kind == MOCK

    def _answers(self):
        assert self.process.poll() is None, (self.folder / "log.txt").read_text()[-500:]
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", int(self.address.rpartition(":")[2])), timeout=1).close()
            return True

    def create(self, *topics, partitions=4):
        """On the mock cluster topics come into being by being asked for, with four partitions."""
        if self.kind == MOCK:
            for topic in topics:
                Producer({"bootstrap.servers": self.address, "log_level": 2}).list_topics(topic, timeout=10)
        else:
            admin = AdminClient({"bootstrap.servers": self.address, "log_level": 2})
            for made in admin.create_topics([NewTopic(topic, partitions, 1) for topic in topics]).values():
                made.result()

    def _signal(self, number):
        """What pip has installed of noida-db starts the broker as a child of its own."""
        if self.kind == NOIDA:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def freeze(self):
        """It stands still; its kernel goes on to acknowledge."""
        self._signal(signal.SIGSTOP)

    def thaw(self):
        self._signal(signal.SIGCONT)

    def environment(self, instance=None, session=6):
        """What a host needs to consume from it: `instance` is the name of a static member; `session` in seconds."""
        settings = {"KAFKA_BOOTSTRAP_SERVERS": self.address, "KAFKA_SESSION_TIMEOUT": str(session), "LOG_LEVEL": "WARNING"}
        if instance is not None:
            settings["KAFKA_GROUP_INSTANCE_ID"] = instance
        return settings

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._broker is not None:
            self._broker.stop()
        elif self.process.poll() is None:
            self._signal(signal.SIGTERM)
            self.process.wait(10)


class Mosquitto:
    """A mosquitto with persistence, on a port of its own that it keeps over a restart."""

    def __init__(self, folder, port=None):
        self.folder = folder / "mosquitto"
        self.folder.mkdir(exist_ok=True)
        self.port = port or free_port()
        (self.folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {self.folder}/\nautosave_interval 1\nmax_queued_messages 0\nuser root\n")
        self.process = None
        self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        with open(self.folder / "log.txt", "ab") as log:
            self.process = subprocess.Popen(
                [shutil.which("mosquitto", path="/usr/sbin:/usr/bin"), "-c", str(self.folder / "mosquitto.conf")],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        support.until(self._answers, "mosquitto answers", 20)

    def _answers(self):
        assert self.process.poll() is None, (self.folder / "log.txt").read_text()[-500:]
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True

    def stop(self):
        """SIGTERM: it saves what it holds."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(20)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def restart(self):
        self.stop()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
