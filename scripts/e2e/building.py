"""examples/building as it stands: MQTT in, a work order out, its page, and the weather of a service that is away at first."""

import contextlib
import http.server
import json
import re
import threading

from support import ROOT, Host, Running, case, equal, kcat_produce, kcat_read, kcat_wait, mqtt_publish, run, scripts_folder, until


class Weather(http.server.BaseHTTPRequestHandler):
    """-5 °C, from the third time on that it is asked."""

    def do_GET(self):
        self.server.asked += 1
        away = self.server.asked < 3
        body = b"" if away else b'{"celsius": -5}'
        self.send_response(503 if away else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def weather():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Weather) as server:
        server.asked = 0
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server, f"http://127.0.0.1:{server.server_port}/now"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def building(folder, brokers=None, **environment):
    """The example, with a store in the folder; with brokers of the test's own, or its own."""
    if brokers:
        mqtt_host, _, mqtt_port = brokers.mqtt.rpartition(":")
        environment |= {"KAFKA_BOOTSTRAP_SERVERS": brokers.kafka, "MQTT_HOST": mqtt_host, "MQTT_PORT": mqtt_port}
    agent = ROOT / "examples/building/building.lua"
    with Host({}, agents=[agent], folder=folder, embedded=brokers is None,
              environment={"STATE_PATH": str(folder / "state"), **environment}) as host:
        yield host


def readings(host, broker, room, *values):
    """Sends them one after another, and waits until the last has been seen."""
    for celsius in values:
        mqtt_publish(broker, f"building/north/room/{room}/temp", celsius)

    def seen():
        answer = host.get(f"/buildings/north/rooms/{room}")
        return answer.status == 200 and answer.json["result"]["last"][-len(values):] == list(values) and answer.json["result"]

    return until(seen, f"{values} of room {room}")


@case("readings reach the page, and its files are all it asks for")
def page():
    with scripts_folder({}) as folder, building(folder) as host, host.websocket("/ws/rooms") as socket:
        equal(readings(host, host.mqtt, "101", 20.5, 21.5)["mean"], 21.0)
        sent = socket.receive("topic_message", lambda m: m["payload"]["data"]["last"] == [20.5, 21.5])["payload"]
        equal((sent["topic"], sent["data"]["room"], sent["data"]["mean"]), ("rooms", "101", 21.0))
        equal([room["room"] for room in host.get("/rooms").json["result"]], ["101"])
        equal(host.get("/buildings/north/rooms/102").status, 404)

        html = host.get("/app/").body.decode()
        files = re.findall(r'(?:src|href)="([^"]+)"', html)
        equal(sorted(files), ["app.js", "data:,", "style.css"])
        for name, kind in (("app.js", "text/javascript"), ("style.css", "text/css")):
            answer = host.get(f"/app/{name}")
            equal((answer.status, answer.headers["content-type"].partition(";")[0]), (200, kind))
            assert b"://" not in answer.body, f"{name} has an address of elsewhere"
        assert "no WEATHER_URL" in host.output(), host.output()
        equal(host.task("/estimate", {"building": "north", "room": "101", "celsius": 22})["weather"], "assumed")


@case("an estimate has the weather of a service that fails twice, and goes on without it once it is gone")
def estimates():
    with scripts_folder({}) as folder:
        with weather() as (server, url), building(folder, WEATHER_URL=url) as host:
            readings(host, host.mqtt, "101", 18)
            asked = {"building": "north", "room": "101", "celsius": 20, "hours": 8}
            answer = host.task("/estimate", asked)
            equal((answer["outside"], answer["weather"], server.asked), (-5, "measured", 3))
            equal(round(answer["euros"], 2), 3.24)
            equal(host.post("/estimate", {"query": "", "parameters": {**asked, "celsius": "warm"}}).status, 422)
            equal(host.post("/estimate", {"query": "", "parameters": {**asked, "celsius": 40}}).status, 422)
            equal(host.post("/estimate", {"query": "", "parameters": {**asked, "room": "attic"}}).status, 404)
            server.shutdown()
            server.server_close()
            answer = host.task("/estimate", asked)
            equal((answer["outside"], answer["weather"]), (5, "assumed"))
            assert "no weather" in host.output(), host.output()


@case("kill -9: the next process knows the order that is open, and orders again once it is done")
def killed():
    with scripts_folder({}) as folder, Running(["broker"], folder) as brokers:
        with building(folder, brokers) as host:
            readings(host, brokers.mqtt, "101", 29, 30, 31)
            [record] = kcat_wait(brokers.kafka, "work_orders", 1)
            equal(record["key"], "north/101")
            equal(json.loads(record["payload"]), {"building": "north", "room": "101", "problem": "too hot", "celsius": 31})
            until(lambda: readings(host, brokers.mqtt, "101", 30)["order"], "the order is on disk")
            host.kill()
            host.was_killed = True
        with building(folder, brokers) as host:
            equal(readings(host, brokers.mqtt, "101", 32, 33, 34, 35)["order"]["celsius"], 31)
            equal(len(kcat_read(brokers.kafka, "work_orders")), 1)
            kcat_produce(brokers.kafka, "work_orders_done", {}, key="north/101")
            # The group waits for the consumer that was killed before it has another.
            until(lambda: "order" not in host.get("/buildings/north/rooms/101").json["result"], "the order is done", 90)
            readings(host, brokers.mqtt, "101", 36, 37, 38)
            equal(len(kcat_wait(brokers.kafka, "work_orders", 2)), 2)


run()
