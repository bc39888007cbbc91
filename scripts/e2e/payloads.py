"""JSON at every entrance: one answer for one document, numbers and order that stay, and values that do not fit."""

import json
import threading
import time

from support import Host, Running, case, command, equal, kcat_produce, kcat_wait, line_of, run, scripts_folder, until

AGENT = """
local agent = agenthost.realtime_agent {
  name = "payloads",
  endpoints = {
    { path = "/task", task_type = "task" }, { path = "/any", task_type = "any", body = "any" },
    { path = "/decode", task_type = "decode" }, { path = "/echo", task_type = "echo" }, { path = "/many", task_type = "many" },
    { path = "/ordered", task_type = "ordered" },
  },
}
agent:task("task", function(task) return "taken" end)
agent:task("any", function(task) return "taken" end)
agent:task("echo", function(task) return task.parameters end)
agent:task("decode", function(task)
  local value, message = agenthost.json.decode(task.query)
  return message or "taken"
end)
agent:task("many", function()
  return #agenthost.json.decode("[" .. ("[],"):rep(13000000) .. "0]") -- MANY
end)
agent:task("ordered", function()
  local result = { nested = {} }
  for i = 1, 40 do result["k" .. i * 7 % 41] = i result.nested["n" .. i * 5 % 41] = { b = 1, a = 2 } end
  return result
end)
agent:on_message("in", function(data, message)
  agent:send_kafka("out", data)
  if type(data) ~= "string" then
    agent:emit { event_type = "forwarded", data = data }
    agent:publish("topic", data)
    agent:broadcast("forwarded", data)
  end
end)
agent:on_message("exact", function(data)
  agent:send_kafka("kinds", { id = type(data.id), price = type(data.price) })
  agent:send_kafka("exact.out", data)
end, { json = "exact" })
"""

#: Documents that are no JSON here, what is said of them, and at which byte; words and places are those of Python's json
#: where it refuses them too.
FAULTS = [
    ('\ufeff{"query":""}', "Unexpected UTF-8 BOM (decode using utf-8-sig)", 0),
    ('{"query":"\\ud800"}', "Invalid \\uXXXX escape: unpaired surrogate", 11),
    ('{"query":"\\udc00\\ud800"}', "Invalid \\uXXXX escape: unpaired surrogate", 11),
    ('{"query":1e999}', "Number out of range", 9),
    ('{"query":-1e999}', "Number out of range", 9),
    ('{"query":' * 129 + "1" + "}" * 129, "Nested deeper than 128 levels", 128 * 9),
    ('{"query":' + "[" * 128 + "]" * 128 + "}", "Nested deeper than 128 levels", 9 + 127),
    ('{"query":""', "Expecting ',' delimiter", 11),
    ('{"query":"",}', "Expecting property name enclosed in double quotes", 12),
    ('{"query" ""}', "Expecting ':' delimiter", 9),
    ('{"query":NaN}', "Expecting value", 9),
    ('{"query":01}', "Expecting ',' delimiter", 10),
    ('{"query":"\\x"}', "Invalid \\escape", 10),
    ('{"query":"\t"}', "Invalid control character at", 10),
    ('{"query":"', "Unterminated string starting at", 9),
    ('{"query":""}}', "Extra data", 12),
]

#: What Python writes otherwise than it came in.
NUMBERS = '{"big":12345678901234567890,"list":[6.30,1e2,-0,0.1000,1.5,7],"price":6.30,"tiny":1e-400}'

JSON = {"Content-Type": "application/json"}


@case("a document that is no JSON gets the same answer, in the same words, at every entrance")
def entrances():
    with Host(AGENT, embedded=True) as host, host.websocket("/ws") as client:
        client.receive("connection_established")
        for document, words, byte in FAULTS:
            data = document.encode()
            for path in ("/task", "/any", "/realtime/broadcast", "/realtime/topic/t"):
                answer = host.post(path, data=data, headers=JSON)
                equal(answer.status, 422, f"{path} {document[:40]}")
                [issue] = answer.json["detail"]
                equal(issue["type"], "json_invalid", f"{path} {document[:40]}")
                equal(issue["ctx"]["error"], words, f"{path} {document[:40]}")
                equal(issue["loc"], ["body", len(data[:byte].decode())], f"{path} {document[:40]}")
            equal(host.task("/decode", query=document), f"invalid JSON at byte {byte}: {words}", "json.decode")
            client.connection.send(document)
            equal(client.receive("error")["payload"]["error"], "Invalid JSON format", f"/ws {document[:40]}")
            done = command("send", "kafka:in", document, "--ready-file", host.ready_file)
            equal(done.returncode, 1, f"send {document[:40]}")
            assert words in done.stderr and f"byte {byte}" in done.stderr, done.stderr
        # Kafka's are strings, as they came.
        kcat_produce(host.kafka, "in", *[document.encode() for document, _, _ in FAULTS], partition=0)
        records = kcat_wait(host.kafka, "out", len(FAULTS))
        equal(sorted(record["payload"] for record in records), sorted(document for document, _, _ in FAULTS))
        equal(client.before_pong(), [], "nothing of it reached the clients")


@case("numbers of a payload that is passed on stay what they were")
def numbers():
    with Host(AGENT, embedded=True) as host, host.websocket("/ws") as client, host.stream("/stream/topic/topic") as stream:
        body = '{"query":"","parameters":' + NUMBERS + "}"
        answer = host.post("/echo", data=body.encode(), headers=JSON)
        assert f'"result":{NUMBERS}'.encode() in answer.body, answer.body
        kcat_produce(host.kafka, "in", NUMBERS.encode())
        equal(kcat_wait(host.kafka, "out", 1)[0]["payload"], NUMBERS)
        seen = {}

        def shown():
            text = client.connection.recv(timeout=15)
            message = json.loads(text)
            if message["message_type"] == "forwarded":
                seen["broadcast"] = text
            elif message["message_type"] == "realtime_event" and message["payload"]["event_type"] == "forwarded":
                seen["event"] = text
            return len(seen) == 2

        until(shown, "the event and the broadcast")
        for what, text in seen.items():
            assert NUMBERS in text, (what, text)
        equal(stream.next()["data"]["data"]["price"], 6.3)
        kcat_produce(host.kafka, "exact", NUMBERS.replace("big", "id").encode())
        equal(json.loads(kcat_wait(host.kafka, "kinds", 1)[0]["payload"]), {"id": "string", "price": "number"})
        assert '"id":12345678901234567890' in kcat_wait(host.kafka, "exact.out", 1)[0]["payload"]


@case("numbers pass the role gateway as they are")
def gateway():
    with scripts_folder({}) as folder, Running(["broker"], folder) as broker:
        environment = {"KAFKA_BOOTSTRAP_SERVERS": broker.kafka, "STREAMING_TOPICS": "orders"}
        with Host({}, arguments=["--role", "gateway"], environment=environment) as host, host.websocket("/ws") as client:
            deadline = time.monotonic() + 40
            text = ""
            while '"message":{' not in text:
                assert time.monotonic() < deadline, "no message of the topic"
                kcat_produce(broker.kafka, "orders", NUMBERS.encode())
                try:
                    text = client.connection.recv(timeout=0.5)
                except TimeoutError:
                    continue
            assert f'"message":{NUMBERS}' in text, text


@case("the members of a result are in the same order each time")
def order():
    texts = set()
    for _ in range(3):
        with Host(AGENT) as host:
            for _ in range(2):
                body = host.post("/ordered", {"query": ""}).body
                texts.add(body[:body.index(b'"metadata"')])
    equal(len(texts), 1)
    result = json.loads(texts.pop()[:-1] + b"}")["result"]
    equal(list(result), sorted(result))
    equal(list(result["nested"]["n1"]), ["a", "b"])


@case("a document of millions of values that a script reads is stopped with its line, and the host stays small and serves")
def many():
    with Host(AGENT) as host:
        before, _ = host.memory()
        slowest = 0
        running = True

        def ask():
            nonlocal slowest
            while running:
                began = time.monotonic()
                equal(host.get("/health").status, 200)
                slowest = max(slowest, time.monotonic() - began)

        other = threading.Thread(target=ask)
        other.start()
        for _ in range(3):
            answer = host.post("/many", {"query": ""})
            equal(answer.status, 500)
            detail = answer.json["detail"]
            assert f"agent.lua:{line_of(AGENT, 'MANY')}: " in host.output(), host.output()
            assert "500 ms of CPU time" in detail or "memory limit of 256 MiB" in detail, detail
        running = False
        other.join()
        _, highest = host.memory()
        assert highest < before + 600, (before, highest)
        assert slowest < 3, f"another request waited {slowest:.1f} s"
        equal(host.task("/task"), "taken")


run()
