"""What a mode is told, and what it tells: how much is to go in, which faults, and which promises held."""

import random
import sys
import time


class Plan:
    """One run of one mode. `random` is the only source of chance, so that a seed repeats the faults."""

    def __init__(self, options, seed, folder):
        self.folder = folder
        self.seed = seed
        self.random = random.Random(seed)
        self.is_quick = options.quick
        self.broker = options.broker
        self._options = options
        self._promises = []
        self._told = 0.0

    def messages(self, whole, quick):
        """How many messages: as ordered, or by default."""
        return self._options.messages or (quick if self.is_quick else whole)

    def kills(self, whole, quick):
        return self._options.kills if self._options.kills is not None else (quick if self.is_quick else whole)

    def seconds(self, whole, quick):
        return self._options.minutes * 60 if self._options.minutes else (quick if self.is_quick else whole)

    def progress(self, text):
        """A line about how far it is, at most one a second: over the one before on a terminal, every tenth second elsewhere."""
        now = time.monotonic()
        if sys.stderr.isatty():
            if now - self._told >= 1:
                self._told = now
                print(f"\r\033[K    {text}", end="", file=sys.stderr, flush=True)
        elif now - self._told >= 10:
            self._told = now
            print(f"    {text}", file=sys.stderr, flush=True)

    def promise(self, sentence, held, figures=""):
        """One promise: what holds when it is kept, whether it was, and the figures that show it."""
        self._promises.append((sentence, bool(held), str(figures)))

    @property
    def broken(self):
        return [sentence for sentence, held, _ in self._promises if not held]

    def table(self):
        clear = "\r\033[K" if sys.stderr.isatty() else ""
        width = max((len(sentence) for sentence, _, _ in self._promises), default=0)
        return clear + "\n".join(
            f"    {'held  ' if held else 'BROKEN'}  {sentence:<{width}}  {figures}".rstrip()
            for sentence, held, figures in self._promises)
