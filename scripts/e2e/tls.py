"""Kafka and MQTT over TLS with certificates of one's own: contract section 2, and who is let in by whom."""

import collections
import contextlib
import json
import os
import pathlib
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading

from support import (
    Host, Lines, Mounted, Running, case, command, equal, kcat_produce, kcat_read, note, run, scripts_folder, until,
)


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], timeout=60, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    equal(done.returncode, 0, done.stdout)


class Authority:
    """A certificate authority of a test's own, which signs keys for brokers and clients."""

    KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")

    def __init__(self, folder, name):
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir(parents=True)
        self.certificate = self.folder / "ca.crt"
        openssl("req", "-x509", *self.KEY, "-days", "2", "-subj", f"/CN={name}", "-keyout", self.folder / "ca.key",
                "-out", self.certificate)

    def sign(self, name, place="IP:127.0.0.1,DNS:localhost"):
        """The paths of a certificate of this name for a place, and of its key."""
        path = self.folder / name
        openssl("req", *self.KEY, "-subj", f"/CN={name}", "-keyout", f"{path}.key", "-out", f"{path}.csr")
        pathlib.Path(f"{path}.ext").write_text(f"subjectAltName={place}\n")
        openssl("x509", "-req", "-in", f"{path}.csr", "-CA", self.certificate, "-CAkey", self.folder / "ca.key",
                "-CAcreateserial", "-days", "2", "-extfile", f"{path}.ext", "-out", f"{path}.crt")
        return f"{path}.crt", f"{path}.key"


def text(path):
    return pathlib.Path(path).read_text()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class TLSMosquitto:
    """A broker that asks for a certificate of its authority at one port, and lets the test itself in at another."""

    def __init__(self, folder, authority, place="IP:127.0.0.1,DNS:localhost"):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=folder))
        self.port, self.plain = free_port(), free_port()
        certificate, key = authority.sign("mosquitto", place)
        (self.folder / "mosquitto.conf").write_text(
            f"per_listener_settings true\nuser {pwd.getpwuid(os.getuid()).pw_name}\nlog_dest stderr\n"
            f"max_queued_messages 0\nlistener {self.plain} 127.0.0.1\nallow_anonymous true\n"
            f"listener {self.port} 127.0.0.1\nrequire_certificate true\nuse_identity_as_username true\n"
            f"cafile {authority.certificate}\ncertfile {certificate}\nkeyfile {key}\n")
        self.log = self.folder / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["mosquitto", "-c", str(self.folder / "mosquitto.conf")], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(lambda: all(socket.socket().connect_ex(("127.0.0.1", port)) == 0 for port in (self.port, self.plain)),
              f"mosquitto listens: {self.log.read_text()}")

    def arrivals(self, identity):
        """How many connections were made with the certificate of this name."""
        return self.log.read_text(errors="replace").count(f"u'{identity}'")

    def reader(self, topic):
        lines = Lines("stdbuf", "-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.plain), "-t", topic, "-q", "1", "-d",
                      "-F", "got %p")
        lines.wait(lambda line: line.startswith("Subscribed"), "subscribed")
        return lines

    def publish(self, topic, value):
        """Kept for whoever subscribes later."""
        done = subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.plain), "-t", topic, "-q", "1", "-r", "-m",
                               json.dumps(value)], timeout=30, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        equal(done.returncode, 0, done.stdout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class TLSKafka:
    """Asks for a certificate in front of a Kafka that speaks none: answers name this address in the place of that one."""

    def __init__(self, broker, authority, place="IP:127.0.0.1,DNS:localhost"):
        host, _, port = broker.rpartition(":")
        self.broker = (host, int(port))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*authority.sign("kafka", place))
        self.context.load_verify_locations(authority.certificate)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        # A broker's address in an answer is its host followed by its port in four bytes.
        self.there = b"127.0.0.1" + self.broker[1].to_bytes(4, "big")
        self.here = b"127.0.0.1" + self.port.to_bytes(4, "big")
        self.identities = collections.Counter()
        self.open = set()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError):
            client = self.context.wrap_socket(connection, server_side=True)
            subject = dict(pair for part in client.getpeercert()["subject"] for pair in part)
            self.identities[subject["commonName"]] += 1
            server = socket.create_connection(self.broker)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.open |= {client, server}
            threading.Thread(target=self._pump, args=(client, server), daemon=True).start()
            self._answers(server, client)

    @staticmethod
    def _close(*sockets):
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _pump(self, client, server):
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                server.sendall(data)
        self._close(client, server)

    def _answers(self, server, client):
        """Whole answers, each four bytes of length and what they count."""
        buffer = b""
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                buffer += data
                while len(buffer) >= 4 and len(buffer) >= (size := 4 + int.from_bytes(buffer[:4], "big")):
                    client.sendall(buffer[:size].replace(self.there, self.here))
                    buffer = buffer[size:]
        self._close(client, server)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        self._close(*self.open)


def connection(host, kind):
    return next((one for one in host.get("/realtime/status").json["connections"] if one["connection_type"] == kind), None)


def trouble(host, kind, *words):
    """Waits until the connection says what is wrong with it; HTTP serves on, and health is degraded."""
    def told():
        report = connection(host, kind)
        return report and report["error_message"] and all(word in report["error_message"] for word in words)

    until(told, f"{words} in {connection(host, kind)}", 20)
    health = host.health()
    equal(health["status"], "degraded")
    assert all(word in health["connection_errors"][kind] for word in words), health
    equal(host.task("/do"), "done")
    until(lambda: all(word in host.output() for word in words), f"{words} in the log")


def nothing_leaked(host, *paths):
    """No line of the keys is in what the program said, and no file of theirs is left where it puts them."""
    for path in paths:
        for line in text(path).splitlines():
            assert line.startswith("---") or line not in host.output(), host.output()
    equal([name for name in os.listdir("/dev/shm") if name.startswith("agenthost-")], [])


AGENT = """
local agent = agenthost.realtime_agent { name = "ward-service", endpoints = { { path = "/do", task_type = "act" } } }
agent:task("act", function() return "done" end)
agent:on_message("load/in", function(data) agent:send_mqtt("load/out", data) end, { source = "mqtt" })
"""

KAFKA_AGENT = """
local agent = agenthost.realtime_agent { name = "ward-service", endpoints = { { path = "/do", task_type = "act" } } }
agent:task("act", function() return "done" end)
agent:on_message("in", function(data) agent:send_kafka("out", data) end, { source = "kafka" })
"""


@case("MQTT goes over TLS with a certificate of one's own, given as paths or as the PEM text itself")
def mqtt():
    with scripts_folder({"agent.lua": AGENT}) as folder:
        authority = Authority(folder, "authority")
        certificate, key = authority.sign("ward")
        with TLSMosquitto(folder, authority) as broker, broker.reader("load/out") as reader:
            place = {"MQTT_HOST": "localhost", "MQTT_PORT": str(broker.port), "MQTT_PROTOCOL": "mqtts"}
            for number, (ca, own, secret) in enumerate([
                    (authority.certificate, certificate, key), (text(authority.certificate), text(certificate), text(key))]):
                environment = {**place, "MQTT_CA": str(ca), "MQTT_CERT": own, "MQTT_KEY": secret}
                with Host("", agents=["agent.lua"], environment=environment, folder=folder) as host:
                    until(lambda: host.health()["status"] == "healthy", "connected")
                    broker.publish("load/in", number)
                    reader.wait(lambda line: line == f"got {number}", "the message came through")
                    nothing_leaked(host, key)
            assert broker.arrivals("ward") >= 4, broker.log.read_text()
            # Without MQTT_CA the authorities of the operating system hold, which OpenSSL lets a variable name.
            environment = {**place, "MQTT_CERT": certificate, "MQTT_KEY": key, "SSL_CERT_FILE": str(authority.certificate)}
            with Host("", agents=["agent.lua"], environment=environment, folder=folder) as host:
                until(lambda: (connection(host, "mqtt") or {}).get("status") == "connected", "connected")


@case("MQTT's certificate is rotated in its secret under load: the new one is shown, and nothing is lost")
def mqtt_rotation():
    with scripts_folder({"agent.lua": AGENT}) as folder:
        authority = Authority(folder, "authority")
        with TLSMosquitto(folder, authority) as broker, broker.reader("load/out") as reader:
            def keys(name):
                certificate, key = authority.sign(name)
                return {"MQTT_HOST": "127.0.0.1", "MQTT_PORT": str(broker.port), "MQTT_PROTOCOL": "ssl",
                        "MQTT_CA": text(authority.certificate), "MQTT_CERT": text(certificate), "MQTT_KEY": text(key)}

            first, second = keys("first"), keys("second")
            secret = Mounted(folder / "secrets", "ward-mqtt-secret", first)
            environment = {"REALTIME_PLATFORM": "ward", "SECRETS_PATH": str(folder / "secrets")}
            with Host("", agents=["agent.lua"], environment=environment, folder=folder) as host:
                until(lambda: broker.arrivals("first") >= 2, "connected with the first certificate")
                publisher = subprocess.Popen(
                    ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.plain), "-t", "load/in", "-q", "1", "-l"],
                    stdin=subprocess.PIPE, text=True)
                sent = 0

                def send_more():
                    nonlocal sent
                    for _ in range(20):
                        publisher.stdin.write(f"{sent}\n")
                        sent += 1
                    publisher.stdin.flush()
                    return True

                def seen():
                    return {int(line[4:]) for line in list(reader.lines) if line.startswith("got ")}

                until(lambda: send_more() and len(seen()) > 100, "numbers come through", pause=0.05)
                secret.swap(second)
                until(lambda: send_more() and broker.arrivals("second") >= 2, "the second certificate is shown", pause=0.05)
                publisher.stdin.close()
                equal(publisher.wait(15), 0)
                until(lambda: seen() == set(range(sent)), f"all {sent}, lost {sorted(set(range(sent)) - seen())[:10]}", 20)
                note(f"{sent} messages, none lost")
                # A pair that does not belong together is refused, and what works goes on.
                secret.swap({**second, "MQTT_KEY": first["MQTT_KEY"]})
                until(lambda: "MQTT_KEY is not the key" in host.output(), "the wrong key is in the log")
                broker.publish("load/in", -1)
                reader.wait(lambda line: line == "got -1", "the connection stays")
                assert first["MQTT_KEY"].splitlines()[1] not in host.output()


@case("Kafka goes over TLS with a certificate of one's own, to read and to write, and a rotated one takes over")
def kafka():
    with scripts_folder({"agent.lua": KAFKA_AGENT}) as folder, Running(["broker"], folder) as brokers:
        authority = Authority(folder, "authority")
        with TLSKafka(brokers.kafka, authority) as kafka:
            def keys(name):
                certificate, key = authority.sign(name)
                return {"KAFKA_BOOTSTRAP_SERVERS": kafka.address, "KAFKA_SECURITY_PROTOCOL": "SSL",
                        "KAFKA_SSL_CA": text(authority.certificate), "KAFKA_SSL_CERT": text(certificate),
                        "KAFKA_SSL_KEY": text(key)}

            first, second = keys("first"), keys("second")
            encrypted = folder / "encrypted.key"
            openssl("pkey", "-in", authority.folder / "first.key", "-aes256", "-passout", "pass:sesame", "-out", encrypted)
            # A secret may name a file as well.
            first = {**first, "KAFKA_SSL_KEY": str(encrypted), "KAFKA_SSL_KEY_PASSWORD": "sesame"}
            secret = Mounted(folder / "secrets", "ward-kafka-secret", first)
            environment = {"REALTIME_PLATFORM": "ward", "SECRETS_PATH": str(folder / "secrets")}
            kcat_produce(brokers.kafka, "in", *({"n": n} for n in range(100)))
            with Host("", agents=["agent.lua"], environment=environment, folder=folder) as host:
                until(lambda: host.health()["message_count"] >= 1, "messages are handled", 30)
                equal(set(kafka.identities), {"first"})
                equal(connection(host, "kafka")["endpoint"], kafka.address)
                kcat_produce(brokers.kafka, "in", *({"n": n} for n in range(100, 200)))
                secret.swap(second)
                until(lambda: kafka.identities["second"] >= 2, "the second certificate is shown")
                kcat_produce(brokers.kafka, "in", {"n": 200})
                until(lambda: {json.loads(record["payload"])["n"] for record in kcat_read(brokers.kafka, "out")}
                      == set(range(201)), "everything came through", 40, pause=0.2)
                nothing_leaked(host, authority.folder / "first.key", authority.folder / "second.key", encrypted)
                assert "sesame" not in host.output(), host.output()


@case("a certificate that is renewed where it lies is shown before the one before it ends")
def renewal():
    with scripts_folder({"agent.lua": AGENT}) as folder:
        authority = Authority(folder, "authority")
        with TLSMosquitto(folder, authority) as broker, broker.reader("load/out") as reader:
            def lay(name):
                for path, place in zip(authority.sign(name), ("own.crt", "own.key")):
                    shutil.copy(path, folder / f"{place}.new")
                    os.replace(folder / f"{place}.new", folder / place)

            lay("first")
            environment = {"MQTT_HOST": "127.0.0.1", "MQTT_PORT": str(broker.port), "MQTT_PROTOCOL": "tls",
                           "MQTT_CA": str(authority.certificate), "MQTT_CERT": "own.crt", "MQTT_KEY": "own.key"}
            with Host("", agents=["agent.lua"], environment=environment, folder=folder) as host:
                until(lambda: broker.arrivals("first") >= 2, "connected with the first certificate")
                lay("second")
                until(lambda: broker.arrivals("second") >= 2, "the second certificate is shown", 20)
                broker.publish("load/in", 1)
                reader.wait(lambda line: line == "got 1", "the message came through")
                (folder / "own.key").write_text("nothing of the kind\n")
                until(lambda: "renewed certificates cannot be used" in host.output(), "the broken key is in the log", 20)
                broker.publish("load/in", 2)
                reader.wait(lambda line: line == "got 2", "the connection stays")


@case("a broker that is not trusted, or that does not trust, is said in the connection's words; HTTP serves on")
def untrusted():
    with scripts_folder({"agent.lua": AGENT, "kafka.lua": KAFKA_AGENT}) as folder, Running(["broker"], folder) as brokers:
        authority, other = Authority(folder, "authority"), Authority(folder, "other")
        stranger = other.sign("stranger")
        elsewhere = "DNS:elsewhere.example"
        with TLSKafka(brokers.kafka, authority) as kafka, TLSMosquitto(folder, authority) as broker, \
                TLSKafka(brokers.kafka, authority, elsewhere) as kafka_elsewhere, \
                TLSMosquitto(folder, authority, elsewhere) as broker_elsewhere:
            settings = {
                "kafka": {"KAFKA_BOOTSTRAP_SERVERS": kafka.address, "KAFKA_SECURITY_PROTOCOL": "SSL"},
                "mqtt": {"MQTT_HOST": "127.0.0.1", "MQTT_PORT": str(broker.port), "MQTT_PROTOCOL": "tls"},
            }
            elsewhere = {"KAFKA_BOOTSTRAP_SERVERS": kafka_elsewhere.address, "MQTT_PORT": str(broker_elsewhere.port)}
            for kind, script, prefix in (("kafka", "kafka.lua", "KAFKA_SSL_"), ("mqtt", "agent.lua", "MQTT_")):
                pair = {f"{prefix}CERT": stranger[0], f"{prefix}KEY": stranger[1]}
                for more, words in (
                        ({f"{prefix}CA": other.certificate}, ("certificate", "is not trusted", f"{prefix}CA")),
                        ({f"{prefix}CA": authority.certificate}, ("asks for a client certificate", f"{prefix}CERT")),
                        ({f"{prefix}CA": authority.certificate, **pair}, ("does not accept the client certificate",)),
                        ({f"{prefix}CA": authority.certificate, **elsewhere}, ("certificate", "is for another name"))):
                    environment = {**settings[kind], **{name: str(path) for name, path in more.items()}}
                    # The setting of the other transport speaks of a broker without an address, which is no trouble here.
                    environment.pop("MQTT_PORT" if kind == "kafka" else "KAFKA_BOOTSTRAP_SERVERS", None)
                    with Host("", agents=[script], environment=environment, folder=folder) as host:
                        trouble(host, kind, *words)


@case("certificates that cannot serve stop the start with their variable and what was expected; keys are never shown")
def refusals():
    with scripts_folder({"agent.lua": AGENT}) as folder:
        authority = Authority(folder, "authority")
        certificate, key = authority.sign("ward")
        other = authority.sign("other")[1]
        (folder / "words.pem").write_text("nothing of the kind\n")
        mqtt = {"MQTT_HOST": "127.0.0.1", "MQTT_PROTOCOL": "mqtts"}
        kafka = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9", "KAFKA_SECURITY_PROTOCOL": "SSL"}
        for environment, words in (
                ({**mqtt, "MQTT_CA": "/nowhere/ca.pem"}, ("MQTT_CA=/nowhere/ca.pem", "no such file", "PEM")),
                ({**mqtt, "MQTT_CA": "words.pem"}, ("MQTT_CA=words.pem", "no PEM text", "expected")),
                ({**mqtt, "MQTT_CERT": certificate}, ("MQTT_KEY", "MQTT_CERT needs it")),
                ({**mqtt, "MQTT_KEY": text(key)}, ("MQTT_CERT", "MQTT_KEY needs it")),
                ({**mqtt, "MQTT_CERT": certificate, "MQTT_KEY": text(other)}, ("MQTT_KEY is not the key",)),
                ({**mqtt, "MQTT_PROTOCOL": "tcp", "MQTT_CA": str(authority.certificate)},
                 ("MQTT_PROTOCOL=tcp", "ssl or tls or mqtts", "MQTT_CA is set")),
                ({**kafka, "KAFKA_SSL_CA": certificate, "KAFKA_SSL_KEY": certificate, "KAFKA_SSL_CERT": certificate},
                 ("KAFKA_SSL_KEY=", "CERTIFICATE and no PRIVATE KEY")),
                ({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9", "KAFKA_SSL_CA": str(authority.certificate)},
                 ("KAFKA_SECURITY_PROTOCOL=PLAINTEXT (default)", "SSL or SASL_SSL"))):
            for arguments in (["run", "agent.lua", "--port", "0"], ["check", "agent.lua"], ["config", "agent.lua"]):
                done = command(*arguments, folder=folder, environment=environment)
                equal(done.returncode, 1, f"{arguments} {environment}: {done.stderr}")
                for word in words:
                    assert word in done.stderr, f"{word} in {done.stderr}"
                for line in (text(key) + text(other)).splitlines():
                    assert line.startswith("---") or line not in done.stdout + done.stderr, done
        done = command("config", "agent.lua", folder=folder, environment={
            **mqtt, "MQTT_CA": str(authority.certificate), "MQTT_CERT": text(certificate), "MQTT_KEY": text(key)})
        equal(done.returncode, 0, done.stderr)
        lines = {line.split()[0]: line for line in done.stdout.splitlines()}
        assert str(authority.certificate) in lines["mqtt_ca"], lines["mqtt_ca"]
        assert "(PEM text)" in lines["mqtt_cert"] and "****" in lines["mqtt_key"], lines
        for name in ("kafka_ssl_ca", "kafka_ssl_cert", "kafka_ssl_key", "kafka_ssl_key_password"):
            assert "not set" in lines[name], lines[name]


run()
