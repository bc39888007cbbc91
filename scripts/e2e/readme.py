"""Runs every command of README.md, in its order, in a clone of this repository, at the home of a new reader.

Only ```sh blocks are commands. What a block is to show stands in an HTML comment before it:

    <!-- test shows="text" -->                  the block's output contains the text
    <!-- test background="name" -->             it runs on while the following blocks do
    <!-- test again="yes" shows="text" -->      as the first, once something else has caught up
    <!-- test name="text" -->                   after this block, the output of the background block contains the text
    <!-- test file="agents/rooms.lua" -->       the block, of any language, is saved in the reader's home under that name
    <!-- test elsewhere="reason" -->            its commands are run by something else, which the reason names

`./scripts/agenthost` finds the program under test as the one that it has built; the host started last takes the place of
localhost:8080.
"""

import contextlib
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess

from support import ROOT, case, clean_environment, equal, program, run, scripts_folder, until

BLOCK = re.compile(r"(?:<!-- test (?P<marks>[^>]*?) -->\n+)?```(?P<kind>\w+)\n(?P<body>.*?)```", re.S)
# What the tests have as the other side, and a reader need not.
ABSENT = {"kcat", "kafkacat", "mosquitto_pub", "mosquitto_sub", "mosquitto_rr"}


def blocks():
    """The marks of each block that is to be run, or saved as a file, and what it holds."""
    for found in BLOCK.finditer((ROOT / "README.md").read_text()):
        marks = dict(part.split("=", 1) for part in shlex.split(found["marks"] or ""))
        if found["kind"] == "sh" or "file" in marks:
            yield marks, found["body"]


def reader(folder):
    """A clone as it is now, whose program is built, on a machine with what scripts/agenthost installs: its environment."""
    for name in subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                               stdout=subprocess.PIPE, text=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "clone" / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "-c", "user.name=reader", "-c", "user.email=reader@localhost", "commit", "--quiet", "--message", "as cloned")
    (folder / "clone/.build/release").mkdir(parents=True)
    (folder / "clone/.build/release/agenthost").symlink_to(program())
    (folder / "clone/.build/agenthost-release-built").touch()
    for name in ("bin", "home", "run"):
        (folder / name).mkdir()
    for directory in os.environ["PATH"].split(":"):
        with contextlib.suppress(OSError):
            for entry in os.scandir(directory):
                if entry.name not in ABSENT and not (folder / "bin" / entry.name).is_symlink():
                    (folder / "bin" / entry.name).symlink_to(entry.path)
    # As Debian's ~/.profile has it once the folder is there.
    return clean_environment({"PATH": f"{folder}/home/.local/bin:{folder}/bin", "HOME": str(folder / "home"), "PORT": "0",
                              "XDG_RUNTIME_DIR": str(folder / "run")})


def git(folder, *arguments):
    return subprocess.run(["git", *arguments], cwd=folder / "clone", check=True, stdout=subprocess.PIPE, text=True).stdout


class Background:
    """A block that runs on, in a process group of its own."""

    def __init__(self, text, folder, environment):
        self.path = folder / f"background-{len(os.listdir(folder))}.txt"
        with open(self.path, "wb") as output:
            self.process = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", text], cwd=folder / "clone", env=environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)

    def output(self):
        return self.path.read_text(errors="replace")

    def port(self):
        """That of a host, once it says so."""
        until(lambda: "Ctrl-C stops" in self.output() or self.process.poll() is not None, f"started: {self.output()}", 60)
        return re.search(r"^http://127\.0\.0\.1:(\d+)$", self.output(), re.M)[1]

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


@case("every command of the README does what it says, without kcat and mosquitto's clients, and leaves the clone clean")
def readme():
    found = list(blocks())
    assert len(found) >= 5, "the README has commands"
    with scripts_folder({}) as folder:
        environment = reader(folder)
        for name in ABSENT:
            equal(shutil.which(name, path=environment["PATH"]), None)
        backgrounds = {}
        port = None
        try:
            for marks, text in found:
                if file := marks.pop("file", None):
                    path = pathlib.Path(environment["HOME"]) / file
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text)
                    continue
                if "elsewhere" in marks:
                    for script in re.findall(r"\./(scripts/\S+)", text):
                        assert os.access(ROOT / script, os.X_OK), f"{script} can be run"
                    continue
                text = text.replace("localhost:8080", f"127.0.0.1:{port}")
                name = marks.pop("background", None)
                shows = marks.pop("shows", None)
                if name:
                    backgrounds[name] = Background(text, folder, environment)
                    if "agenthost run" in text:
                        port = backgrounds[name].port()
                else:
                    def attempt():
                        # A text that appears when something else has caught up is asked for again, as a reader would.
                        done = subprocess.run(
                            ["bash", "-euo", "pipefail", "-c", text], cwd=folder / "clone", env=environment, timeout=120,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                        attempt.said = done.stdout
                        equal(done.returncode, 0, f"{text}said {done.stdout}")
                        return shows is None or shows in done.stdout

                    if "again" in marks:
                        marks.pop("again")
                        until(attempt, f"{text}shows {shows}: {getattr(attempt, 'said', '')}", 20)
                    else:
                        assert attempt(), f"{text}said {attempt.said!r}, not {shows!r}"
                for other, words in marks.items():
                    until(lambda: words in backgrounds[other].output(),
                          f"{other} shows {words}: {backgrounds[other].output()[-1000:]}", 40)
        finally:
            for background in reversed(backgrounds.values()):
                background.stop()
        equal(git(folder, "status", "--porcelain"), "", "what the reader did is in folders of the reader's own")


@case("every file that the README names exists")
def links():
    text = (ROOT / "README.md").read_text()
    for link in re.findall(r"\]\((?!http|#)([^)#]+)", text):
        assert (ROOT / link).exists(), link
    for name in re.findall(r"`((?:examples|scripts|Sources)/[^`* ]+)`", text):
        assert (ROOT / name).exists(), name


run()
