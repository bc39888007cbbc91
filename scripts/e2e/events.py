"""Contract section 3: Server-Sent Events, and resuming them without a gap or a duplicate."""

import signal

from support import Host, case, equal, run, until

AGENT = """
local agent = agenthost.realtime_agent {
  name = "streams",
  endpoints = { { path = "/do", task_type = "act" } },
  streaming_endpoints = { { path = "/live/alerts", topic = "alerts" } },
}
agent:task("act", function(task)
  local p = task.parameters
  if task.query == "emit" then agent:emit(p) end
  if task.query == "publish" then
    for n = p.from, p.to do agent:publish(p.topic, { n = n }) end
  end
  if task.query == "count" then return agent:publish(p.topic, { n = p.n }) end
end)
"""


def numbers(stream, upto):
    """The n of published data, until the one named."""
    found = []
    while not found or found[-1][1] != upto:
        event = stream.next()
        found.append((event["id"], event["data"]["data"]["n"]))
    return found


def publish(host, first, last, topic="alerts"):
    host.task("/do", {"topic": topic, "from": first, "to": last}, "publish")


@case("/stream/events has every event, with an id and without an event field")
def events():
    with Host(AGENT) as host, host.stream("/stream/events") as stream:
        equal(stream.status, 200)
        assert stream.content_type.startswith("text/event-stream"), stream.content_type
        host.task("/do", {"event_type": "custom_event", "data": {"n": 1}, "topic": "alerts"}, "emit")
        types = []
        while "agent_task_completed" not in types:
            event = stream.next()
            assert event["id"] and event["event"] is None, event
            types.append(event["data"]["event_type"])
            if types[-1] == "custom_event":
                equal(event["data"]["data"], {"n": 1})
                equal(event["data"]["source_service"], "streams")
        equal(types, ["agent_task_started", "custom_event", "agent_task_completed"])


@case("a topic's stream, and a streaming endpoint, have what is published and the events of the topic")
def topics():
    with Host(AGENT) as host, host.stream("/stream/topic/alerts") as stream, host.stream("/live/alerts") as endpoint:
        publish(host, 1, 1)
        host.post("/realtime/topic/alerts", {"n": 2})
        host.task("/do", {"event_type": "alert_triggered", "data": {"n": 3}, "topic": "alerts"}, "emit")
        host.task("/do", {"event_type": "alert_triggered", "data": {"n": 4}, "topic": "other"}, "emit")
        publish(host, 5, 5)
        for one in (stream, endpoint):
            equal(one.next()["data"], {"topic": "alerts", "data": {"n": 1}})
            equal(one.next()["data"], {"topic": "alerts", "data": {"n": 2}})
            event = one.next()
            equal((event["event"], event["data"]["event_type"], event["data"]["data"]), (None, "alert_triggered", {"n": 3}))
            equal(one.next()["data"], {"topic": "alerts", "data": {"n": 5}})


@case("Last-Event-ID resumes without a gap and without a duplicate")
def resume():
    with Host(AGENT) as host:
        with host.stream("/stream/topic/alerts") as stream:
            publish(host, 1, 100)
            seen = numbers(stream, 100)
        equal([n for _, n in seen], list(range(1, 101)))
        equal(len({id for id, _ in seen}), 100, "ids differ")
        publish(host, 101, 200)
        for position in (0, 49, 99):
            with host.stream("/stream/topic/alerts", seen[position][0]) as stream:
                equal([n for _, n in numbers(stream, 200)], list(range(position + 2, 201)))
        with host.stream("/stream/topic/alerts", seen[98][0]) as stream:
            publish(host, 201, 300)
            equal([n for _, n in numbers(stream, 300)], list(range(100, 301)), "and goes on live")


@case("resuming works on every worker")
def resume_workers():
    with Host(AGENT, arguments=["--workers", "2"]) as host:
        with host.stream("/stream/topic/alerts") as stream:
            for n in range(1, 41):
                publish(host, n, n)
            seen = numbers(stream, 40)
        equal([n for _, n in seen], list(range(1, 41)))
        for position in range(0, 40, 3):
            with host.stream("/stream/topic/alerts", seen[position][0]) as stream:
                publish(host, 41 + position, 41 + position)
                resumed = [n for _, n in numbers(stream, 41 + position)]
                published = [*range(1, 41), *range(41, 42 + position, 3)]
                equal(resumed, published[position + 1:], f"after {position + 1}")


@case("an id that is unknown, or no longer kept, begins with a reset")
def reset():
    with Host(AGENT) as host:
        with host.stream("/stream/topic/alerts") as stream:
            publish(host, 1, 2)
            first, last = [id for id, _ in numbers(stream, 2)]
        for strange in ("nonsense", "0-99999999", "ffffffff-1", last + "9999"):
            with host.stream("/stream/topic/alerts", strange) as stream:
                event = stream.next()
                equal(event["event"], "reset", strange)
                equal(set(event["data"]), {"reason", "oldest", "newest"})
        for start in range(3, 10503, 1500):
            publish(host, start, start + 1499)
        with host.stream("/stream/topic/alerts", first) as stream:
            event = stream.next()
            equal(event["event"], "reset", "10,000 events later")
        with host.stream("/stream/topic/alerts", event["data"]["oldest"]) as stream:
            publish(host, 20000, 20000)
            event = stream.next()
            assert event["event"] is None or event["event"] == "reset", event


@case("a stream that breaks before its first event can be resumed too")
def resume_from_opening():
    with Host(AGENT) as host:
        with host.stream("/stream/topic/alerts") as stream:
            line = stream.response.readline().decode()
            assert line.startswith("id: "), line
        publish(host, 1, 3)
        with host.stream("/stream/topic/alerts", line[4:].strip()) as stream:
            equal([n for _, n in numbers(stream, 3)], [1, 2, 3])


@case("clients of Server-Sent Events count as subscribers of their topic")
def subscribers():
    with Host(AGENT, arguments=["--workers", "2"]) as host:
        equal(host.post("/realtime/topic/alerts", {"n": 0}).json["subscribers"], 0)
        with host.stream("/stream/topic/alerts") as one, host.stream("/live/alerts") as two:
            for stream in (one, two):
                stream.response.readline()
            equal(host.post("/realtime/topic/alerts", {"n": 1}).json["subscribers"], 2)
            equal(host.task("/do", {"topic": "alerts", "n": 2}, "count"), 2)
            equal(host.get("/realtime/connections").json["topics"], {"alerts": 2})
            equal([one.next()["data"]["data"]["n"] for _ in range(2)], [1, 2])
        until(lambda: host.get("/realtime/connections").json["topics"] == {}, "gone with their connections")


@case("the streams of several clients are each complete")
def many():
    with Host(AGENT) as host:
        streams = [host.stream("/stream/topic/alerts") for _ in range(20)]
        try:
            publish(host, 1, 500)
            for stream in streams:
                equal([n for _, n in numbers(stream, 500)], list(range(1, 501)))
        finally:
            for stream in streams:
                stream.close()


@case("stopping ends the streams")
def stopping():
    with Host(AGENT) as host:
        with host.stream("/stream/events") as stream:
            host.signal(signal.SIGTERM)
            assert stream.response.read().startswith(b"id: ")


run()
