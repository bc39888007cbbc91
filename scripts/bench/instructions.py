"""Instructions for each unit of work, counted by callgrind: they do not wander as times do.

A program runs once with N units and once with 5 N; the difference has the start in it no more.
"""

import collections
import pathlib
import re
import shutil
import subprocess

from bench import WORK
from measure import Instructions

# Units of the larger run for one of the smaller.
FACTOR = 5


def stripped(program):
    """A copy without debug information: valgrind 3.19 gives up on what Swift's compiler writes of it (DWARF 5)."""
    copy = WORK / "stripped" / pathlib.Path(program).name
    if not copy.exists() or copy.stat().st_mtime < pathlib.Path(program).stat().st_mtime or copy.stat().st_size == 0:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(program, copy)
        subprocess.run(["strip", "-g", str(copy)], check=True)
        copy.chmod(0o755)
    return copy


def per_unit(bench, count, run):
    """`run(wrapper, units)` runs the program behind the command `wrapper`, has it do so many units, and ends it.

    None, with a line that says why, where valgrind cannot run the program.
    """
    totals = []
    try:
        for units in (count, count * FACTOR):
            out = bench.scratch / f"callgrind.{units}"
            out.unlink(missing_ok=True)
            run(["valgrind", "--quiet", "--tool=callgrind", "--dump-line=no", f"--callgrind-out-file={out}"], units)
            totals.append(by_owner(out))
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        print(f"    instructions not counted: {error}", flush=True)
        return None
    small, large = totals
    units = count * (FACTOR - 1)
    owners = sorted(((owner, (cost - small.get(owner, 0)) / units) for owner, cost in large.items()), key=lambda one: -one[1])
    return Instructions(sum(cost for _, cost in owners), [one for one in owners if one[1] >= 1])


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
            elif line.startswith("ob="):
                number, name = re.match(r"ob=\((\d+)\)(?: (.*))?", line).groups()
                if name:
                    names[number] = pathlib.Path(name.strip()).name
                owner = names[number]
            elif line.startswith("cob="):
                number, name = re.match(r"cob=\((\d+)\)(?: (.*))?", line).groups()
                if name:
                    names[number] = pathlib.Path(name.strip()).name
            elif line.startswith("calls="):
                is_call = True
    return totals
