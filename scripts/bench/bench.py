"""What every row is given: the cores, how long it may measure, and ways to start the host, its peers and the load."""

import contextlib
import os
import pathlib
import platform
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
sys.path.insert(0, str(FOLDER.parent / "e2e"))
import support  # noqa: E402
from support import until  # noqa: E402, F401

# Everything that is downloaded, compiled or written on the way; Git ignores it.
WORK = ROOT / ".build-bench"


class Plan:
    """How often, and for how many seconds (whole ones, as wrk has them), something is measured."""

    def __init__(self, quick):
        self.quick = quick
        self.rounds = 3 if quick else 7
        self.seconds = 1 if quick else 3


class Bench:
    """One run of the program: `server` and `load` are the cores that the two sides of a row are pinned to."""

    def __init__(self, program, plan, scratch):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            raise SystemExit("bench: two cores are needed, one for the server and one for the load")
        self.server, self.load = cores[0], cores[1]
        self.cores = cores
        self.program = pathlib.Path(program).resolve()
        self.plan = plan
        self.scratch = pathlib.Path(scratch)
        support.use_program(self.program)
        # Children inherit it: a row opens 10,000 sockets.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self.most_files = most

    @contextlib.contextmanager
    def with_program(self, path):
        """Hosts that are started within are this program."""
        support.use_program(path)
        try:
            yield
        finally:
            support.use_program(self.program)

    @property
    def both(self):
        """Both cores, for what is measured on all that the machine has."""
        return f"{self.server},{self.load}"

    @staticmethod
    def tool(name):
        """A program of peers/, compiled by `tools.build`."""
        return str(WORK / "bin" / name)

    @property
    def python(self):
        """Python with the peers that are Python's, in a folder of their own."""
        return str(WORK / "venv/bin/python")

    def host(self, scripts, core=None, wrapper=(), **options):
        """A host pinned to the server's core, with its default configuration; `options` are those of `support.Host`."""
        return Host(scripts, on(self.server if core is None else core, *wrapper), **options)

    def process(self, *command, core=None, **options):
        """A peer, pinned to the server's core, or a part of the load."""
        return Process(on(self.server if core is None else core, *command), **options)

    def output(self, *command, core=None, timeout=120):
        """What a program of the load prints until it ends by itself."""
        done = subprocess.run(
            on(self.load if core is None else core, *command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=timeout, env=support.clean_environment())
        if done.returncode:
            raise AssertionError(f"{pathlib.Path(str(command[0])).name} failed: {(done.stderr or done.stdout)[-500:]}")
        return done.stdout

    def file(self, name, text):
        """A file of the run's own, which is gone with it."""
        path = self.scratch / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


def on(core, *command):
    """The command, pinned."""
    return ["taskset", "--cpu-list", str(core), *map(str, command)]


def processor_ns(pid):
    """Nanoseconds of processor time of the process, its threads and its children, as far as these still run."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += int((task / "schedstat").read_text().split()[0])
            for child in (task / "children").read_text().split():
                total += processor_ns(int(child))
    return total


def resident_bytes(pid):
    """Resident memory of the process and its children."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += sum(map(resident_bytes, map(int, (task / "children").read_text().split())))
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return total + int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


@contextlib.contextmanager
def stopped(*processes):
    """Holds processes still while their work is laid out."""
    try:
        for process in processes:
            os.kill(process.pid, signal.SIGSTOP)
        yield
    finally:
        for process in processes:
            os.kill(process.pid, signal.SIGCONT)


class Host(support.Host):
    """`support.Host` behind a command: `taskset`, and valgrind with it."""

    def __init__(self, scripts, prefix, **options):
        self.prefix = prefix
        super().__init__(scripts, **{"ready_timeout": 180, **options})

    def stop(self, timeout=120):
        return super().stop(timeout)


class Process:
    """A process that is not ours, and the lines that it prints; it ends with the block that it was started for."""

    def __init__(self, command, environment=None, folder=None):
        self.name = pathlib.Path(command[3]).name
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder,
            # Nothing is written beside the sources of peers that are Python's.
            env=support.clean_environment({"PYTHONDONTWRITEBYTECODE": "1", **(environment or {})}))
        self.lines = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self.lines.append(None)
            self._news.notify_all()

    @property
    def pid(self):
        return self.process.pid

    def line(self, beginning, timeout=60):
        """The first line that begins so, as soon as it is printed."""
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                for line in self.lines:
                    if line is not None and line.startswith(beginning):
                        return line
                if self.lines and self.lines[-1] is None:
                    raise AssertionError(f"{self.name} ended without “{beginning}”: {self.lines[-4:-1]}")
                if not self._news.wait(max(0.0, deadline - time.monotonic())):
                    raise AssertionError(f"{self.name} did not print “{beginning}” within {timeout} s: {self.lines[-3:]}")

    def stop(self, timeout=60):
        """SIGTERM, and kill -9 for those that do not hear it."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self._reader.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def machine():
    """The machine, in the words of a results page."""
    names = re.findall(r"^model name\s*:\s*(.+)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) / 1024 / 1024
    virtual = "hypervisor" in pathlib.Path("/proc/cpuinfo").read_text()
    return (f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores{' (a virtual machine)' if virtual else ''}, "
            f"{memory:.0f} GiB, Linux {platform.release()}")


def free_port():
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def accepts(port):
    """Whether something listens there."""
    import socket

    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
