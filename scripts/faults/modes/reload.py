"""Reloads one after another under Kafka messages and HTTP requests, every tenth of a version that must not come into service.
--kills 1,000: so many saves.

5,000 messages and 200 requests a second, as far as the machine carries them; the figures say how many it were. Every message
and every answer names the version that made it. Broken versions: wrong syntax, an error at load, an endless loop, an `on_start`
that fails.
"""

import http.client
import json
import os
import re
import time

import support
from brokers import MOCK, KafkaBroker
from kafka_traffic import GROUP, Copies, Feed
from ledger import Ledger

AGENT = """
local VERSION = %d
local agent = agenthost.realtime_agent {
  name = "copier", endpoints = { { path = "/version", method = "POST", task_type = "version" } },
}
agent:on_message("numbers", function(data, message)
  agent:send_kafka("copies", { p = message.partition, n = data.n, version = VERSION }, { partition = message.partition })
end, { source = "kafka" })
agent:task("version", function() return { version = VERSION } end)
agent:every(3600, function() end)
%s
"""
BROKEN = ["end end", 'error("not this one")', "while true do end", 'agent:on_start(function() error("nor this one") end)']
# Seconds from a good save to its service; what was loading before, an endless loop even, must not hold it up longer.
TAKES = 1


def run(plan):
    reloads = plan.kills(1_000, 40)
    ledger = Ledger()
    script = plan.folder / "agent.lua"

    def save(version, broken=""):
        """Whole, as editors do, or written over, as others do."""
        target = script if plan.random.random() < 0.3 else plan.folder / "agent.lua.new"
        target.write_text(AGENT % (version, broken))
        if target != script:
            os.replace(target, script)

    save(0)
    with KafkaBroker(plan.broker or MOCK, plan.folder) as kafka:
        kafka.create("numbers", "copies")
        environment = {**kafka.environment(None if kafka.buries_the_dead else "one"), "STREAMING_CONSUMER_GROUP": GROUP, "LOG_LEVEL": "CRITICAL"}
        copies = Copies(kafka.address, ledger)
        with support.Host({}, agents=["agent.lua"], environment=environment, folder=plan.folder) as host:
            feed = Feed(kafka.address, ledger, rate=5_000 if not plan.is_quick else 2_000)
            support.until(lambda: ledger.different > 1_000, "messages come", 30)
            began, requests = time.monotonic(), _Requests(host)
            slowest, most, first, descriptors = 0, 0, None, _descriptors(host)
            version = 0
            for number in range(1, reloads + 1):
                if number % 10 == 0:
                    save(-number, BROKEN[number // 10 % len(BROKEN)])
                    # It begins to load; whether it fails is seen by what is served.
                    time.sleep(0.3)
                version = number
                save(version)
                saved = time.monotonic()
                support.until(lambda: requests.newest >= version, f"version {version} serves", 20, pause=0.002)
                slowest = max(slowest, time.monotonic() - saved)
                most = max(most, _generations(host))
                if number == max(10, reloads // 10):
                    first = host.memory()[0]
                plan.progress(f"{number} of {reloads} saves  {ledger.figures}  {requests.count:,} requests")
            seconds = time.monotonic() - began
            requests.stop()
            feed.stop()
            support.until(lambda: ledger.lost == 0 or time.monotonic() - copies.last > 20, "the rest", 60)
            last = host.memory()[0]
            after = support.until(lambda: (now := _descriptors(host)) <= descriptors and now or None, "descriptors", 10)
        copies.catch_up()
        copies.stop()
    name = f"{reloads} saves: "
    plan.promise(name + "nothing is lost, nothing comes twice", ledger.lost == 0 == ledger.twice, ledger.figures)
    plan.promise(name + "every partition stays in order", ledger.disordered == 0)
    plan.promise(name + "no request fails", not requests.failures,
                 f"{requests.count:,} requests, {requests.count / seconds:.0f}/s; {ledger.in_count / seconds:,.0f} messages/s; "
                 f"{requests.failures[:2] or ''}")
    plan.promise(name + "no broken version answers, and none after its successor", not requests.wrong, requests.wrong[:5] or "")
    plan.promise(name + f"a good one serves within {TAKES} s, whatever loaded before it", slowest <= TAKES, f"slowest {slowest:.2f} s")
    plan.promise(name + "at most two versions live", most <= 2, f"{most}")
    plan.promise(name + "memory after all is at most 1.05 times that after the first tenth", last <= first * 1.05,
                 f"{first:.1f} MiB, {last:.1f} MiB")
    plan.promise(name + "descriptors are as many as before", after <= descriptors, f"{descriptors}, {after}")


def _descriptors(host):
    return len(os.listdir(f"/proc/{host.pid}/fd"))


def _generations(host):
    """Versions of the agent that still have something to do, as /metrics tells."""
    found = re.findall(r"^agenthost_script_versions_live\S* (\d+)", host.get("/metrics").body.decode(), re.M)
    return max(map(int, found), default=99)


class _Requests(support.Load):
    """Requests one after another, 200 a second, and whose answers they were."""

    def __init__(self, host):
        super().__init__(host, "/version", {"query": ""})
        self.newest, self.wrong, self.failures = 0, [], []
        self.__enter__()

    def _run(self):
        connection = http.client.HTTPConnection(*self.host.address, timeout=30)
        began, asked = time.monotonic(), 0
        while not self.stopping.wait(max(0, began + asked / 200 - time.monotonic())):
            asked += 1
            try:
                connection.request("POST", self.path, self.body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                body = answer.read()
            except OSError as error:
                self.failures.append(repr(error))
                connection.close()
                continue
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            if answer.status != 200:
                self.failures.append((answer.status, body[:200]))
                continue
            version = json.loads(body)["result"]["version"]
            if version < self.newest:
                self.wrong.append((version, self.newest))
            self.newest = max(self.newest, version)
        connection.close()

    def stop(self):
        self.__exit__()
