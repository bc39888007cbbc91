"""Instructions for each unit of work, counted by callgrind: they do not wander as times do.

A program runs once with N units and once with 5 N; the difference has the start in it no more. What a program does by the
clock rather than by the unit (librdkafka's statistics, polls) it does fifty times as often for a unit while callgrind slows
it: where there is much of that, a third run, with N units and a while of doing nothing, tells how much that is a second, and
it is taken off.
"""

import collections
import pathlib
import re
import shutil
import subprocess
import time

from bench import WORK
from measure import Instructions

# Units of the larger run for one of the smaller.
FACTOR = 5


def stripped(program):
    """A copy without debug information: valgrind 3.19 gives up on what Swift's compiler writes of it (DWARF 5)."""
    is_of = pathlib.Path(program).stat()
    copy = WORK / f"stripped/{pathlib.Path(program).name}-{is_of.st_ino}-{is_of.st_mtime_ns}"
    if not copy.exists():
        shutil.rmtree(copy.parent, ignore_errors=True)
        copy.parent.mkdir(parents=True)
        half = copy.with_suffix(".new")
        shutil.copyfile(program, half)
        subprocess.run(["strip", "-g", str(half)], check=True)
        half.chmod(0o755)
        half.rename(copy)
    return copy


def per_unit(bench, count, run, idle=0):
    """`run(wrapper, units)` runs the program behind the command `wrapper`, has it do so many units, and ends it. With `idle`
    it gets a third argument, seconds to wait before it ends it, and that is what is taken off.

    None, with a line that says why, where valgrind cannot run the program.
    """
    try:
        small, small_time = one_run(bench, run, count)
        large, large_time = one_run(bench, run, count * FACTOR)
        by_second, longer = {}, large_time - small_time
        if idle:
            waiting, waiting_time = one_run(bench, run, count, idle)
            by_second = {owner: (waiting[owner] - small[owner]) / (waiting_time - small_time) for owner in waiting}
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        print(f"    instructions not counted: {error}", flush=True)
        return None
    units = count * (FACTOR - 1)
    owners = [(owner, (large[owner] - small[owner] - by_second.get(owner, 0) * longer) / units) for owner in large]
    owners.sort(key=lambda one: -one[1])
    return Instructions(sum(cost for _, cost in owners), [one for one in owners if one[1] >= 1])


def one_run(bench, run, *arguments):
    """Instructions by owner, and the seconds that it took."""
    out = bench.scratch / "callgrind.out"
    out.unlink(missing_ok=True)
    began = time.monotonic()
    run(["valgrind", "--quiet", "--tool=callgrind", "--dump-line=no", f"--callgrind-out-file={out}"], *arguments)
    return by_owner(out), time.monotonic() - began


def by_owner(path):
    """Instructions by the program or library whose code they are, from a file of callgrind's.

    The format is in valgrind's manual, "Callgrind Format Specification": a line of numbers is a cost of the function named
    last, but for the one behind `calls=`, which is that of what was called.
    """
    totals, names = collections.Counter(), {}
    owner, is_call = "?", False
    with open(path) as lines:
        for line in lines:
            if line[0].isdigit() or line[0] in "+-*":
                if not is_call:
                    totals[owner] += int(line.split()[1])
                is_call = False
            elif match := re.match(r"(c?)ob=\((\d+)\)(?: (.*))?", line):
                callee, number, name = match.groups()
                if name:
                    names[number] = re.sub(r"^(agenthost)-[\d-]+$", r"\1", pathlib.Path(name.strip()).name)
                if not callee:
                    owner = names[number]
            elif line.startswith("calls="):
                is_call = True
    return totals
