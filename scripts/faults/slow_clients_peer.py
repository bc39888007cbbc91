"""The clients of the mode slow-clients, a process for each part: only as much of WebSocket (RFC 6455) as is needed to read.

    readers PORT COUNT          reads frames and drops them
    sleepers PORT COUNT KIND    opens WebSockets (ws) or event streams (sse) and does not read before it is told to
    measure PORT COUNT SECONDS RATE BYTES
                                publishes, and prints the delays of its own connections in milliseconds
"""

import base64
import concurrent.futures
import http.client
import json
import os
import selectors
import socket
import sys
import time

PATH = "/ws/feed"
# Unasked for (section 5.5.3), so that the host sees that somebody is there.
PONG = b"\x8a\x80\0\0\0\0"


def connect(port, path=PATH, room=None):
    """An open WebSocket, or an event stream; `room` is the size of the receive buffer, None the system's own."""
    client = socket.socket()
    if room is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    client.connect(("127.0.0.1", port))
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    if path.startswith("/ws"):
        key = base64.b64encode(os.urandom(16)).decode()
        head += f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
    client.sendall((head + "\r\n").encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += client.recv(1)
    assert answer.split()[1] in (b"101", b"200"), answer
    return client


def frames(buffer):
    """Whole frames at the beginning of the buffer, as (opcode, payload); they are taken out of it."""
    at = 0
    while len(buffer) - at >= 2:
        length, head = buffer[at + 1] & 127, 2
        if length == 126:
            length, head = int.from_bytes(buffer[at + 2:at + 4], "big"), 4
        elif length == 127:
            length, head = int.from_bytes(buffer[at + 2:at + 10], "big"), 10
        if len(buffer) - at < head + length:
            break
        yield buffer[at] & 15, bytes(buffer[at + head:at + head + length])
        at += head + length
    del buffer[:at]


def connect_all(port, count):
    """A selector of so many open WebSockets, each with a buffer."""
    selector = selectors.DefaultSelector()
    for _ in range(count):
        client = connect(port)
        client.setblocking(False)
        selector.register(client, selectors.EVENT_READ, bytearray())
    return selector


def readers(port, count):
    selector, space, due = connect_all(port, count), bytearray(256 << 10), 0
    print("ready", flush=True)
    while selector.get_map():
        if time.monotonic() >= due:
            due = time.monotonic() + 15
            for key in selector.get_map().values():
                key.fileobj.send(PONG)
        for key, _ in selector.select(1):
            if not key.fileobj.recv_into(space):
                selector.unregister(key.fileobj)


def sleepers(port, count, kind):
    """Every other one with a small receive buffer. A line on standard input: the first half reads to the end, and says how
    that was."""
    path = PATH if kind == "ws" else "/stream/topic/feed"
    clients = [connect(port, path, 4096 if number % 2 else None) for number in range(count)]
    print("ready", *(client.getsockname()[1] for client in clients), flush=True)
    sys.stdin.readline()
    with concurrent.futures.ThreadPoolExecutor(count) as threads:
        print("ends", *threads.map(lambda client: read_to_end(client, kind), clients[:count // 2]), flush=True)
    sys.stdin.readline()


def read_to_end(client, kind):
    """How the connection ended: a close code, `ended`, `reset`, or `open` when it did not within ten seconds."""
    client.settimeout(1)
    buffer, code, until = bytearray(), None, time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if not (data := client.recv(64 << 10)):
                return code or "ended"
        except ConnectionResetError:
            return code or "reset"
        except TimeoutError:
            continue
        if kind == "ws":
            buffer += data
            closes = [payload for opcode, payload in frames(buffer) if opcode == 8]
            code = code or (int.from_bytes(closes[0][:2], "big") if closes else None)
    return code or "open"


def publish(port, seconds, rate, size):
    """Each message says when it was sent."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    padding, due = "x" * size, time.monotonic()
    for _ in range(int(seconds * rate)):
        body = json.dumps({"at": time.monotonic_ns(), "padding": padding})
        connection.request("POST", "/realtime/topic/feed", body, {"Content-Type": "application/json"})
        connection.getresponse().read()
        due += 1 / rate
        time.sleep(max(0, due - time.monotonic()))


def measure(port, count, seconds, rate, size):
    """Each delay is from before the publication is sent to the arrival at one connection."""
    selector = connect_all(port, count)
    publisher = os.fork()
    if publisher == 0:
        publish(port, seconds, rate, size)
        os._exit(0)
    delays, awaited, ends = [], count * int(seconds * rate), time.monotonic() + seconds + 10
    while len(delays) < awaited and time.monotonic() < ends:
        for key, _ in selector.select(0.1):
            data = key.fileobj.recv(64 << 10)
            now = time.monotonic_ns()
            assert data, "one that reads was ended"
            key.data.extend(data)
            for opcode, payload in frames(key.data):
                at = payload.find(b'"at":')
                if opcode == 1 and at >= 0:
                    delays.append((now - int(payload[at + 5:].split(b",", 1)[0].split(b"}", 1)[0])) / 1e6)
    os.waitpid(publisher, 0)
    print(json.dumps(sorted(round(delay, 3) for delay in delays)), flush=True)


if __name__ == "__main__":
    what, port, count, *rest = sys.argv[1:]
    if what == "readers":
        readers(int(port), int(count))
    elif what == "sleepers":
        sleepers(int(port), int(count), rest[0])
    else:
        measure(int(port), int(count), float(rest[0]), float(rest[1]), int(rest[2]))
