"""450 clients that read beside 50 that never do, 40 messages a second. Who reads, sleeps, publishes is a process of its own.

WebSockets with messages of 270 bytes and of 4 KiB, then event streams. Rounds without and with sleepers alternate; at the end
of each all sleepers are further behind than the 1 MiB that they may be.
"""

import contextlib
import json
import pathlib
import statistics
import subprocess
import sys

import support

PEER = pathlib.Path(__file__).resolve().parent.parent / "slow_clients_peer.py"
READERS, MEASURED, SLEEPERS, RATE = 430, 20, 50, 40
AGENT = """
agenthost.realtime_agent {
  name = "soak-feed",
  websocket_endpoints = { { path = "/ws/feed", auto_subscribe = { "feed" } } },
}
"""
# What the system may hold for a client, and what host and system together.
KERNEL, HELD = 256 << 10, (1 << 20) + (256 << 10)
# Below this no difference of delays is told from chance, milliseconds.
LEAST = 2
# Large messages: for so many seconds they fill what the kernel has for a client, and for so many they are more than `HELD`.
LARGE, FILL, FLOOD = 24_000, 0.4, 4


@contextlib.contextmanager
def _peer(*arguments):
    process = subprocess.Popen(
        [sys.executable, PEER, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _measure(host, seconds, size, meanwhile=lambda: None):
    """The sorted delays of every message at the clients that are measured."""
    with _peer("measure", host.port, MEASURED, seconds, RATE, size) as process:
        while True:
            meanwhile()
            with contextlib.suppress(subprocess.TimeoutExpired):
                delays = json.loads(process.communicate(timeout=0.1)[0])
                assert len(delays) == MEASURED * int(seconds * RATE), f"only {len(delays)} were measured"
                return delays


def _p99(delays):
    return delays[len(delays) * 99 // 100]


class _Sleepers:
    """Clients that do not read, until half of them are told to; the host sees no difference before."""

    def __init__(self, host, kind, process):
        self.host, self.kind, self._process = host, kind, process
        ready, *ports = process.stdout.readline().split()
        assert ready == "ready"
        self._ports = set(map(int, ports))
        self.most, self._are_told = 0, False

    def look(self):
        """How many the host still has; the most that the kernel held for one is kept (proc(5): tx_queue and inode)."""
        kept = 0
        for line in open("/proc/net/tcp").read().splitlines()[1:]:
            fields = line.split()
            local, peer = (int(fields[end].split(":")[1], 16) for end in (1, 2))
            if local == self.host.port and peer in self._ports:
                kept += fields[9] != "0"
                if not self._are_told:
                    self.most = max(self.most, int(fields[4].split(":")[0], 16))
        return kept

    def wake_when_given_up(self):
        """A WebSocket that was given up has three seconds to read up to its close frame."""
        kept = self.look()
        if self.kind == "ws":
            kept = self.host.get("/realtime/connections").json["total_connections"] - READERS - MEASURED
        if kept <= 0:
            self._wake()

    def _wake(self):
        if not self._are_told:
            self._are_told = True
            self._process.stdin.write("read\n")
            self._process.stdin.flush()

    def ends(self):
        """How it ended for those that read in the end."""
        self._wake()
        return self._process.stdout.readline().split()[1:]

    def left(self):
        """How many the host still has, after more time than it gives them."""
        with contextlib.suppress(AssertionError):
            support.until(lambda: not self.look(), "the sleepers are let go", 10)
        return self.look()


def run(plan):
    for kind, size in [("ws", 4096), ("sse", 4096)] if plan.is_quick else [("ws", 270), ("ws", 4096), ("sse", 4096)]:
        with support.Host(AGENT, environment={"LOG_LEVEL": "ERROR"}) as host, _peer("readers", host.port, READERS) as readers:
            assert readers.stdout.readline().strip() == "ready"
            _beside(plan, host, kind, size)


def _beside(plan, host, kind, size):
    name = f"{'WebSockets' if kind == 'ws' else 'event streams'}, {size} bytes: "
    _measure(host, 1, LARGE)
    rounds, seconds = (5, 1) if plan.is_quick else (9, 4)
    alone, beside, ends, left, most, held = [], [], [], 0, 0, 0
    for number in range(rounds):
        plan.progress(f"{name}round {number + 1} of {rounds}")
        alone.append(_p99(_measure(host, seconds, size)))
        before = _memory_from_here(host)
        with _peer("sleepers", host.port, SLEEPERS, kind) as process:
            sleepers = _Sleepers(host, kind, process)
            _measure(host, FILL, LARGE, sleepers.look)
            beside.append(_p99(_measure(host, seconds, size, sleepers.look)))
            if plan.is_quick and number < rounds - 1:
                continue
            _measure(host, FLOOD, LARGE, sleepers.wake_when_given_up)
            ends += sleepers.ends()
            left += sleepers.left()
            most = max(most, sleepers.most)
            held = max(held, sleepers.most + (host.memory()[1] - before) * (1 << 20) / SLEEPERS)
    _judge(plan, name, "1013" if kind == "ws" else "ended", alone, beside, ends)
    plan.promise(name + "the host lets go of every sleeper", not left, f"{left} left of {2 * len(ends)}")
    plan.promise(name + f"the kernel holds at most {KERNEL >> 10} KiB for a sleeper", most <= KERNEL, f"{most >> 10} KiB")
    plan.promise(name + f"with the host's memory that is at most {HELD >> 10} KiB", held <= HELD,
                 f"{held / 1024:.0f} KiB; the host has {host.memory()[0]:.0f} MiB")
    total = host.get("/realtime/connections").json["total_connections"]
    plan.promise(name + "nobody who reads is ended", total == READERS, f"{total} of {READERS}")


def _memory_from_here(host):
    """MiB now; the highest is counted from here (proc(5): clear_refs)."""
    pathlib.Path(f"/proc/{host.pid}/clear_refs").write_text("5")
    return host.memory()[0]


def _judge(plan, name, wanted, alone, beside, ends):
    ratio = statistics.median(max(with_them, LEAST) / max(without, LEAST) for without, with_them in zip(alone, beside))
    # Delays are judged where nothing else has the machine, over many rounds; the short form runs beside other tests.
    if not plan.is_quick:
        plan.promise(name + "the readers' 99th percentile is at most 1.5 times that without sleepers", ratio <= 1.5,
                     f"{ratio:.2f}; {' '.join(f'{delay:.1f}' for delay in alone)} ms, "
                     f"with sleepers {' '.join(f'{delay:.1f}' for delay in beside)} ms")
    plan.promise(name + f"a sleeper that reads in the end finds that it was ended ({wanted})", set(ends) == {wanted},
                 {end: ends.count(end) for end in sorted(set(ends))})
