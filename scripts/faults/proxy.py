"""What stands between a host and a broker, and can be told to fail."""

import asyncio
import struct
import threading

CUT = "cut"
REFUSED = "refused"
SLOW = "slow"
# Seconds each way, and bytes a second of a connection, when it is slow.
LATENCY = 0.2
RATE = 20 << 10


class Proxy:
    """TCP from a port of its own to a broker's, on a thread of its own.

    cut: what comes from either side is swallowed, and nobody is told; a connection that has met this is dead for good, as
    behind a firewall that has forgotten it. refused: connections are closed, and new ones refused. slow: `LATENCY`, `RATE`.

    A Kafka client goes on to the address that the broker names: with `is_kafka` that is the proxy's.
    """

    def __init__(self, broker, is_kafka=False):
        self.target = int(broker.rpartition(":")[2])
        self.port = 0
        self.is_kafka = is_kafka
        self.fault = None
        self.connections = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._call(self._listen())

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def fail(self, fault):
        """From now on; None: no more."""
        self._call(self._change(fault))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.fail(REFUSED)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _change(self, fault):
        if self.fault == REFUSED:
            await self._listen()
        self.fault = fault
        if fault == REFUSED:
            self._server.close()
        for connection in list(self.connections):
            connection.meet(fault)

    async def _accept(self, *host):
        try:
            broker = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return host[1].transport.abort()
        connection = _Connection(self, host, broker)
        self.connections.add(connection)
        connection.meet(self.fault)
        await connection.serve()
        self.connections.discard(connection)


class _Connection:
    """A connection of the host and the one that answers to it at the broker, each a reader and a writer."""

    def __init__(self, proxy, host, broker):
        self.proxy, self.host, self.broker = proxy, host, broker
        self.is_dead = False

    def meet(self, fault):
        if fault == CUT:
            self.is_dead = True
        elif fault == REFUSED:
            self.close()

    def close(self):
        for _, writer in (self.host, self.broker):
            writer.transport.abort()

    async def serve(self):
        await asyncio.gather(
            self._carry(self.host[0], self.broker[1]), self._carry(self.broker[0], self.host[1], self.proxy.is_kafka))

    async def _carry(self, reader, writer, is_kafka=False):
        """One direction to its end, which of a dead connection the other side is not told."""
        queue = asyncio.Queue()
        writing = asyncio.create_task(self._write(queue, writer))
        try:
            while data := await (self._frame(reader) if is_kafka else reader.read(65536)):
                queue.put_nowait((asyncio.get_running_loop().time(), data))
        except (OSError, asyncio.IncompleteReadError):
            pass
        queue.put_nowait((0, None))
        await writing
        if not self.is_dead:
            self.close()

    async def _frame(self, reader):
        """The next answer of a Kafka broker, naming the proxy where it named itself."""
        size = await reader.readexactly(4)
        answer = await reader.readexactly(int.from_bytes(size, "big"))
        named, name = (b"127.0.0.1" + struct.pack(">i", port) for port in (self.proxy.target, self.proxy.port))
        return size + answer.replace(named, name)

    async def _write(self, queue, writer):
        try:
            while (entry := await queue.get())[1] is not None:
                came, data = entry
                if self.proxy.fault == SLOW:
                    await asyncio.sleep(came + LATENCY - asyncio.get_running_loop().time())
                    await asyncio.sleep(len(data) / RATE)
                if not self.is_dead:
                    writer.write(data)
                    await writer.drain()
        except OSError:
            pass
