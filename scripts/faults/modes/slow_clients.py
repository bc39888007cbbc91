"""450 clients that read beside 50 that never do, 40 messages a second. Readers, sleepers and who measures are processes each.

First WebSockets, of messages of 270 bytes and of 4 KiB, then event streams. Rounds with and without sleepers alternate; all
sleepers are more than the limit of 1 MiB behind at the end, and what the kernel holds for them is read from /proc/net/tcp.
"""

import contextlib
import json
import pathlib
import statistics
import subprocess
import sys

import support

PEER = pathlib.Path(__file__).resolve().parent.parent / "slow_clients_peer.py"
READERS, SLEEPERS, RATE = 430, 50, 40
MEASURED = 20
AGENT = """
agenthost.realtime_agent {
  name = "soak-feed",
  websocket_endpoints = { { path = "/ws/feed", auto_subscribe = { "feed" } } },
}
"""
KERNEL = 512 << 10


@contextlib.contextmanager
def _peer(*arguments):
    process = subprocess.Popen(
        [sys.executable, PEER, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _sockets(host_port, ports):
    """Of each of the host's connections to these clients, bytes in the kernel's send queue and whether the host still has it
    (proc(5): tx_queue and inode)."""
    found = []
    for line in open("/proc/net/tcp").read().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].split(":")[1], 16) == host_port and int(fields[2].split(":")[1], 16) in ports:
            found.append((int(fields[4].split(":")[0], 16), fields[9] != "0"))
    return found


def _measure(host, seconds, size, sleepers=(), meanwhile=lambda: None):
    """The sorted delays, and the most that the kernel held for one of the sleepers meanwhile."""
    most = 0
    with _peer("measure", host.port, MEASURED, seconds, RATE, size) as process:
        lines = []
        while process.poll() is None:
            most = max([most, *(queued for queued, _ in _sockets(host.port, sleepers))])
            meanwhile()
            with contextlib.suppress(subprocess.TimeoutExpired):
                lines = process.communicate(timeout=0.2)[0]
        return json.loads(lines), most


def _p99(delays):
    return delays[len(delays) * 99 // 100]


def run(plan):
    for kind, size in [("ws", 270), ("ws", 4096), ("sse", 4096)]:
        with support.Host(AGENT, environment={"LOG_LEVEL": "ERROR"}) as host, _peer("readers", host.port, READERS) as readers:
            assert readers.stdout.readline().strip() == "ready"
            _beside(plan, host, kind, size)


def _beside(plan, host, kind, size):
    name = f"{'WebSockets' if kind == 'ws' else 'event streams'}, {size} bytes: "
    rounds, seconds = (1, 3) if plan.is_quick else (4, 6)
    without, with_sleepers, most, ends, left, before = [], [], 0, [], [], host.memory()[0]
    for number in range(rounds):
        plan.progress(f"{name}round {number + 1} of {rounds}")
        without.append(_p99(_measure(host, seconds, size)[0]))
        with _peer("sleepers", host.port, SLEEPERS, kind) as sleepers:
            ready, *ports = sleepers.stdout.readline().split()
            assert ready == "ready"
            ports = set(map(int, ports))
            delays, held = _measure(host, seconds, size, ports)
            with_sleepers.append(_p99(delays))
            # Now so much that each is too far behind; the readers keep up with it. Who was given up has three seconds to
            # read up to its close frame.
            told = False

            def tell():
                nonlocal told
                if told or host.get("/realtime/connections").json["total_connections"] > READERS + MEASURED:
                    return
                told = True
                sleepers.stdin.write("read\n")
                sleepers.stdin.flush()

            _, more = _measure(host, 4, 24_000, ports, tell if kind == "ws" else lambda: None)
            most = max(most, held, more)
            if not told:
                sleepers.stdin.write("read\n")
                sleepers.stdin.flush()
            ends += sleepers.stdout.readline().split()[1:]
            # Those that never read: the host is done with them, whatever the kernel still holds.
            def kept():
                return sum(is_kept for _, is_kept in _sockets(host.port, ports))

            with contextlib.suppress(AssertionError):
                support.until(lambda: not kept(), "the sleepers are let go", 15)
            left.append(kept())
    ratio = statistics.median(slow / max(fast, 2) for fast, slow in zip(without, with_sleepers))
    plan.promise(name + "the readers' 99th percentile is at most 1.5 times that without sleepers", ratio <= 1.5,
                 f"{ratio:.2f}; {' '.join(f'{delay:.1f}' for delay in without)} ms, "
                 f"with sleepers {' '.join(f'{delay:.1f}' for delay in with_sleepers)} ms")
    told = {end: ends.count(end) for end in sorted(set(ends))}
    wanted = "1013" if kind == "ws" else "ended"
    plan.promise(name + f"a sleeper that reads in the end finds that it was ended ({wanted})", set(ends) <= {wanted, "ended"} if
                 kind == "sse" else set(ends) == {wanted}, told)
    plan.promise(name + "every sleeper is let go", not any(left), f"{left} left of {SLEEPERS}")
    plan.promise(name + "the kernel holds at most 512 KiB for a sleeper", most <= KERNEL, f"{most / 1024:,.0f} KiB")
    plan.promise(name + "memory is what it was", host.memory()[0] <= before + 40, f"{before:.0f} to {host.memory()[0]:.0f} MiB")
