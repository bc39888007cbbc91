"""The results as lines while they come, and as a page."""

import datetime
import importlib
import os
import subprocess

import bench
import tools
from measure import Bound, median, number


class Conditions:
    """When, on what, and with which versions it was measured."""

    def __init__(self, program, is_quick):
        self.began = datetime.datetime.now(datetime.timezone.utc)
        self.is_quick = is_quick
        self.machine = bench.machine()
        self.load = os.getloadavg()[0]
        self.versions = tools.versions(program)
        git = subprocess.run(
            ["git", "-C", bench.ROOT, "describe", "--always", "--dirty", "--abbrev=10"], capture_output=True, text=True)
        self.commit = f"commit {git.stdout.strip()}" if git.stdout else "no commit"
        if "AGENTHOST" in os.environ:
            self.commit = "another program than this clone's, by AGENTHOST"
        self.seconds = 0

    def end(self, seconds):
        self.seconds = seconds

    @property
    def is_busy(self):
        return self.load > 0.5

    @property
    def text(self):
        busy = f"; BUSY: a load of {self.load:.1f} before the start, figures of time mean little" if self.is_busy else ""
        return f"{self.machine}{busy}"


def verdict(result):
    return {None: "", True: "met", False: "missed"}[result.is_met]


def spread(values):
    return f"{number(min(values))}–{number(max(values))}"


def line(result):
    """One result on a line of the terminal."""
    if isinstance(result, Bound):
        peer = f"; {result.peer} {number(median(result.peer_values))}" if result.peer_values else ""
        limit = f", at most {number(result.limit)}: {verdict(result)}" if result.limit is not None else ""
        text = f"    {result.title}: {number(result.value)} {result.unit} ({spread(result.values)}){limit}{peer}"
    else:
        target = f", at least {number(result.target)}: {verdict(result)}" if result.target is not None else ""
        text = f"    {result.title}, of {result.peer}: {result.ratio:.2f} ({spread(result.ratios)}){target}\n" + "\n".join(
            f"        {name:<36} {number(rate):>9} {result.unit}/s{extra}" for name, rate, extra in sides(result))
    return "\n".join([text, *(f"        {note}" for note in result.notes)])


def sides(result):
    for index, name in enumerate((result.ours, result.peer)):
        extra = ""
        if (used := result.side(index, "processor")) is not None:
            extra += f", {number(used)} µs of processor each"
        if (p50 := result.side(index, "p50")) is not None:
            extra += f", p50 {number(p50)} µs, p99 {number(result.side(index, 'p99'))} µs"
        if counted := result.instructions[index]:
            extra += f", {counted.count:,.0f} instructions each ({', '.join(f'{o} {c:,.0f}' for o, c in counted.owners[:5])})"
        yield name, result.side(index, "rate"), extra


def singular(unit):
    return unit.removesuffix("ies") + "y" if unit.endswith("ies") else unit.removesuffix("s")


def cell(text):
    return str(text).replace("|", "\\|")


def page(conditions, results, failures):
    """The whole of results.md."""
    comparisons = [result for result in results if not isinstance(result, Bound)]
    bounds = [result for result in results if isinstance(result, Bound)]
    out = [
        "# How fast", "",
        f"Measured {conditions.began:%Y-%m-%d %H:%M} UTC by `scripts/bench/run{' --quick' if conditions.is_quick else ''}` "
        f"({conditions.commit}, {conditions.seconds / 60:.0f} minutes) on: {conditions.machine}.", "",
        "Ratios are of runs that alternate on this machine: the median, and the lowest and highest of all rounds. Figures by "
        "the second belong to this machine and this hour. What each row does, and how to repeat it: [README.md](README.md).", ""]
    if conditions.is_busy:
        out += [f"**The machine was busy (load {conditions.load:.1f} before the start): times and rates mean little.**", ""]
    out += ["![The ratios as bars, each with its target](results.svg)", ""]
    if comparisons:
        out += ["| | beside | ratio | target | agenthost | peer | p99 µs, agenthost | peer |",
                "|---|---|---|---|---|---|---|---|"]
        for one in comparisons:
            target = f"≥ {number(one.target)}, {verdict(one)}" if one.target is not None else ""
            out.append("| " + " | ".join(map(cell, [
                one.title, one.peer, f"**{one.ratio:.2f}** ({spread(one.ratios)})", target,
                f"{number(one.side(0, 'rate'))} {one.unit}/s", f"{number(one.side(1, 'rate'))}",
                number(one.side(0, "p99")), number(one.side(1, "p99"))])) + " |")
        out.append("")
    if bounds:
        out += ["| | agenthost | limit | peer |", "|---|---|---|---|"]
        for one in bounds:
            limit = f"≤ {number(one.limit)} {one.unit}, {verdict(one)}" if one.limit is not None else ""
            peer = f"{one.peer}: {number(median(one.peer_values))} {one.unit}" if one.peer_values else ""
            out.append("| " + " | ".join(map(cell, [
                one.title, f"**{number(one.value)} {one.unit}** ({spread(one.values)})", limit, peer])) + " |")
        out.append("")
    counted = [(one, index) for one in comparisons for index in (0, 1)
               if one.instructions[index] or one.side(index, "processor")]
    if counted:
        out += ["For each unit: processor time of all threads, and instructions in user space (callgrind; N units and 5 N, the "
                "difference), by the file whose code they are.", "",
                "| | | unit | processor µs | instructions | of them |", "|---|---|---|---|---|---|"]
        for one, index in counted:
            instructions = one.instructions[index]
            out.append("| " + " | ".join(map(cell, [
                one.title, (one.ours, one.peer)[index], singular(one.unit),
                number(one.side(index, "processor")), f"{instructions.count:,.0f}" if instructions else "–",
                ", ".join(f"{owner} {cost:,.0f}" for owner, cost in instructions.owners[:6]) if instructions else ""])) + " |")
        out.append("")
    for row, error in failures:
        out += [f"**The row {row} failed**: {error}", ""]
    out += ["## What was measured", ""]
    for row in dict.fromkeys(result.row for result in results):
        mine = [result for result in results if result.row == row]
        text = " ".join(importlib.import_module(f"rows.{row}").__doc__.split())
        out.append(f"- **{row}** ({'; '.join(dict.fromkeys(filter(None, (one.cores for one in mine))))}): {text}")
        out += [f"  - {one.title}: {note}" for one in mine for note in one.notes]
    out += ["", "## Versions", "", "| | |", "|---|---|"]
    out += [f"| {name} | {cell(version)} |" for name, version in conditions.versions]
    return "\n".join(out) + "\n"
