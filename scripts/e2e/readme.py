"""Runs every command of README.md, in its order, in a copy of the examples.

Only ```sh blocks are commands. What a block is to show stands in an HTML comment before it:

    <!-- test shows="text" -->                  the block's output contains the text
    <!-- test background="name" -->             it runs on while the following blocks do
    <!-- test name="text" -->                   after this block, the output of the background block contains the text
    <!-- test elsewhere="reason" -->            its commands are run by something else, which the reason names

`./scripts/agenthost` is the program under test, on a free port in the place of 8080.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess

from support import ROOT, case, clean_environment, equal, program, run, scripts_folder, until

BLOCK = re.compile(r"(?:<!-- test (?P<marks>[^>]*?) -->\n+)?```sh\n(?P<body>.*?)```", re.S)


def blocks():
    for found in BLOCK.finditer((ROOT / "README.md").read_text()):
        marks = dict(part.split("=", 1) for part in shlex.split(found["marks"] or ""))
        yield marks, found["body"]


class Background:
    """A block that runs on, in a process group of its own."""

    def __init__(self, text, folder, environment):
        self.path = folder / f"background-{len(os.listdir(folder))}.txt"
        with open(self.path, "wb") as output:
            self.process = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", text], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True)

    def output(self):
        return self.path.read_text(errors="replace")

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


@case("every command of the README does what it says")
def readme():
    found = list(blocks())
    assert len(found) >= 5, "the README has commands"
    with scripts_folder({"scripts/agenthost": f'#!/bin/sh\nexec "{program()}" "$@"\n'}) as folder:
        (folder / "scripts/agenthost").chmod(0o755)
        shutil.copytree(ROOT / "examples", folder / "examples")
        environment = clean_environment({"PORT": "0"})
        backgrounds = {}
        port = None
        try:
            for marks, text in found:
                if "elsewhere" in marks:
                    for script in re.findall(r"\./(scripts/\S+)", text):
                        assert os.access(ROOT / script, os.X_OK), f"{script} can be run"
                    continue
                if port:
                    text = text.replace("localhost:8080", f"127.0.0.1:{port}")
                name = marks.pop("background", None)
                shows = marks.pop("shows", None)
                if name:
                    if name in backgrounds:
                        backgrounds.pop(name).stop()
                    backgrounds[name] = Background(text, folder, environment)
                    if shows:
                        until(lambda: shows in backgrounds[name].output(),
                              f"{name} shows {shows}: {backgrounds[name].output()}", 60)
                    ready = folder / "ready.json"
                    if "--ready-file ready.json" in text:
                        until(ready.exists, f"ready: {backgrounds[name].output()}", 60)
                        port = re.search(r":(\d+)\"", re.search(r'"http"\s*:\s*"[^"]*"', ready.read_text().replace("\\/", "/"))[0])[1]
                else:
                    def attempt():
                        # A text that appears when something else has caught up is asked for again, as a reader would.
                        done = subprocess.run(
                            ["bash", "-euo", "pipefail", "-c", text], cwd=folder, env=environment, timeout=120,
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


@case("every file that the README names exists")
def links():
    text = (ROOT / "README.md").read_text()
    for link in re.findall(r"\]\((?!http|#)([^)#]+)", text):
        assert (ROOT / link).exists(), link
    for name in re.findall(r"`((?:examples|scripts|Sources)/[^`* ]+)`", text):
        assert (ROOT / name).exists(), name


run()
