"""Runs modes of faults and tells which promises held. See scripts/soak, which starts it."""

import argparse
import importlib
import os
import pathlib
import random
import signal
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
import support  # noqa: E402
from plan import Plan  # noqa: E402

MODES = ("kafka", "rebalance", "broker", "mqtt", "stop", "reload", "slow-clients", "backlog", "mixed")


def module(mode):
    return importlib.import_module(f"modes.{mode.replace('-', '_')}")


def interrupt(number, frame):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("modes", nargs="*", choices=[*MODES, []], metavar="MODE", help=" ".join(MODES))
    parser.add_argument("--list", action="store_true", help="says what each mode does")
    parser.add_argument("--messages", type=int, help="how many messages go in")
    parser.add_argument("--kills", type=int, help="how many faults are made: SIGKILLs, joins, stops or reloads, as the mode says")
    parser.add_argument("--minutes", type=float, help="how long a mode runs that runs by time")
    parser.add_argument("--seed", type=int, help="repeats the faults of a run; without it one is chosen, and said")
    parser.add_argument("--quick", action="store_true", help="some 30 seconds a mode, as CI runs them")
    parser.add_argument("--broker", help="only one of the brokers of a mode that knows several: mock, noida")
    parser.add_argument("--program", default=str(HERE.parent.parent / ".build/release/agenthost"))
    options = parser.parse_args()
    if options.list:
        for mode in MODES:
            print(f"{mode:<14}{' '.join(module(mode).__doc__.split())}")
        return 0
    if not options.modes:
        parser.error(f"which mode? {' '.join(MODES)}")
    signal.signal(signal.SIGTERM, interrupt)
    # The brokers and clients that Python has brought.
    os.environ["PATH"] = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    support.use_program(pathlib.Path(options.program).resolve())
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)

    broken = []
    for mode in options.modes:
        print(f"{mode}: seed {seed}", flush=True)
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="agenthost-soak-") as folder:
            plan = Plan(options, seed, pathlib.Path(folder))
            try:
                module(mode).run(plan)
            except Exception:  # a mode that fails must not hide the others
                traceback.print_exc()
                plan.promise("the mode runs to its end", False, traceback.format_exc(limit=0).strip().splitlines()[-1][:200])
        print(plan.table(), flush=True)
        print(f"{mode}: {time.monotonic() - began:.0f} s, seed {seed}", flush=True)
        broken += [f"{mode}: {sentence}" for sentence in plan.broken]
    for sentence in broken:
        print(f"BROKEN  {sentence}", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
