"""Saves a script again and again under 5,000 Kafka messages and 200 requests a second. --kills 1,000 saves.

Some replace the file, some write into it; some of the versions are broken: they do not parse, fail, or never end. The number of
the version comes with every message and every answer.
"""

import collections
import contextlib
import os
import re
import statistics
import time

import support
from brokers import MOCK, KafkaBroker
from kafka_traffic import GROUP, Copies, Feed
from versions import SHIFT, Requests, Versions

AGENT = """
local VERSION = %d
local agent = agenthost.realtime_agent {
  name = "copier", endpoints = { { path = "/version", method = "POST", task_type = "version" } },
}
agent.state.handled = 0
agent:on_message("numbers", function(data, message)
  if data.n %% 100 == 0 then agenthost.sleep(0.01) end -- so that saves meet handlers in flight
  agent.state.handled = agent.state.handled + 1
  agent:send_kafka("copies", { p = message.partition, n = data.n + (VERSION << %d) }, { partition = message.partition })
end, { source = "kafka" })
agent:task("version", function() return { version = VERSION, handled = agent.state.handled } end)
"""
ENDLESS = "never end"
BROKEN = {"do not parse": "\nreturn return\n", "fail": "\nerror('not today')\n", ENDLESS: "\nwhile true do end\n"}
MESSAGES = 5_000
# Seconds from a save to the first answer of the new version.
SOON = 1


def _agent(version):
    return AGENT % (version, SHIFT)


def run(plan):
    versions, script = Versions(), plan.folder / "agent.lua"
    script.write_text(_agent(1))
    with KafkaBroker(plan.broker or MOCK, plan.folder) as kafka:
        kafka.create("numbers", "copies")
        environment = {**kafka.environment(), "STREAMING_CONSUMER_GROUP": GROUP, "LOG_LEVEL": "NOTICE"}
        feed, copies = Feed(kafka.address, versions, rate=MESSAGES), Copies(kafka.address, versions)
        began = time.monotonic()
        with support.Host({}, agents=["agent.lua"], environment=environment, folder=plan.folder) as host:
            with Requests(host, versions) as requests:
                support.until(lambda: versions.out_count > MESSAGES, "messages come", 60)
                saves = _Saves(plan, host, versions)
                saves.make(plan.kills(1_000, 60))
                feed.stop()
                rate = versions.in_count / (time.monotonic() - began)
                support.until(lambda: versions.lost == 0 or time.monotonic() - copies.last > 30, "the rest", 120)
            handled = host.task("/version")["handled"]
            given_up = host.output().count("a load was given up")
        copies.catch_up()
        copies.stop()
    plan.promise("nothing is lost, and nothing comes twice", versions.lost == 0 == versions.twice,
                 f"{versions.figures}, {rate:,.0f} a second")
    plan.promise("every partition stays in order", versions.disordered == 0 == copies.misplaced)
    plan.promise("no update of agent.state is lost", handled == versions.in_count, f"{handled:,} counted")
    plan.promise("every request is answered with 200", not requests.failures,
                 f"{requests.count:,} requests, slowest {requests.slowest * 1000:.0f} ms {dict(requests.failures) or ''}")
    plan.promise("no partition and no request goes back to an earlier version", versions.back == 0 == requests.back,
                 f"{len(versions.seen):,} versions seen, {versions.back + requests.back} times back")
    saves.judge(given_up)


class _Saves:
    """The saving, one after another, and what is seen of each."""

    def __init__(self, plan, host, versions):
        self.plan, self.host, self.versions = plan, host, versions
        self.number, self.broken = 1, collections.defaultdict(set)
        self.delays, self.delays_after_loop = [], []
        self.memory, self.live = [], 0
        self.descriptors = [self._open_descriptors()]

    def _open_descriptors(self):
        return len(os.listdir(f"/proc/{self.host.pid}/fd"))

    def make(self, count):
        chance, before = self.plan.random, "good"
        for done in range(count):
            # After a load without end, and at the end, comes a version that is waited for.
            must_serve = before == ENDLESS or done == count - 1
            before = "good" if must_serve or chance.random() < 0.8 else chance.choice(list(BROKEN))
            saved = self._save(before, chance.random() < 0.25)
            if before == "good" and (must_serve or chance.random() < 0.8):
                self._await_good(saved, self.delays_after_loop if must_serve and done < count - 1 else self.delays)
            elif before == ENDLESS:
                # In the middle of the load, which is noticed within 250 ms and would be stopped after 5 s.
                time.sleep(chance.uniform(0.3, 2))
            elif before != "good":
                support.until(lambda: self.host.health()["script"]["reload_error"], "a broken version is told of", 20)
            self._look()
            self.plan.progress(f"save {done + 1}/{count}  {self.versions.figures}")
        # The host may still be closing what it was just asked on.
        with contextlib.suppress(AssertionError):
            support.until(lambda: self._open_descriptors() == self.descriptors[0], "descriptors are closed", 5)
        self.descriptors.append(self._open_descriptors())

    def _save(self, what, in_place):
        """As an editor does, with a new file that takes the place of the old, or as `cp` does; gives when."""
        self.number += 1
        text = _agent(self.number)
        if what != "good":
            text += BROKEN[what]
            self.broken[what].add(self.number)
        began = time.monotonic()
        if in_place:
            self.host.script.write_text(text)
        else:
            new = self.host.script.with_suffix(".new")
            new.write_text(text)
            os.replace(new, self.host.script)
        return began

    def _await_good(self, saved, delays):
        number = self.number
        support.until(lambda: number in self.versions.seen, f"version {number} serves", 30, pause=0.002)
        delays.append(time.monotonic() - saved)

    def _look(self):
        self.memory.append(self.host.memory()[0])
        live = re.findall(r"^agenthost_script_versions_live\{.*\} (\d+)", self.host.get("/metrics").body.decode(), re.M)
        self.live = max(self.live, *map(int, live))

    def judge(self, given_up):
        promise, tenth = self.plan.promise, max(1, len(self.memory) // 10)
        promise(f"a good version serves within {SOON} s", max(self.delays) <= SOON,
                f"{len(self.delays)} awaited, slowest {max(self.delays):.2f} s, median {statistics.median(self.delays):.2f} s")
        if self.delays_after_loop:
            promise(f"a load without end is ended by the next save, which serves within {SOON} s",
                    max(self.delays_after_loop) <= SOON and given_up >= len(self.delays_after_loop),
                    f"{len(self.delays_after_loop)} times, slowest {max(self.delays_after_loop):.2f} s; {given_up} given up")
        serving = self.versions.seen & set().union(*self.broken.values())
        promise("a broken version never serves", not serving,
                ", ".join(f"{what} {len(numbers)}" for what, numbers in self.broken.items()) + f" {serving or ''}")
        first, last = (statistics.median(part) for part in (self.memory[tenth:2 * tenth], self.memory[-tenth:]))
        promise("memory after all is at most 1.05 times that after the first tenth", last <= 1.05 * first,
                f"{first:.1f} to {last:.1f} MiB")
        promise("as many descriptors are open as before", self.descriptors[0] == self.descriptors[1],
                " to ".join(map(str, self.descriptors)))
        promise("no more than two versions live at a time", self.live <= 2, f"{self.live}")
