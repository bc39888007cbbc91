"""The counting: numbers that went in, in lanes that have an order, and what came out of them."""

import collections


class Ledger:
    """Numbers 0, 1, 2 … a lane (a partition, a topic) went in; `out` is told what came out, in its order.

    Lost is what never came out. Twice is what came out again. Out of order is a number whose first coming was after the
    first coming of a greater one of its lane: a repetition of what had come already is no disorder, a jump ahead is one.
    """

    def __init__(self):
        self._in = collections.Counter()
        self._seen = collections.defaultdict(bytearray)
        self._highest = collections.defaultdict(lambda: -1)
        self._whole = collections.Counter()
        self._different = 0
        self.out_count = 0
        self.twice = 0
        self.disordered = 0
        self.unknown = 0

    def put_in(self, lane, count):
        """The next numbers of the lane; gives the first."""
        first = self._in[lane]
        self._in[lane] += count
        return first

    def out(self, lane, number):
        self.out_count += 1
        if not 0 <= number < self._in[lane]:
            self.unknown += 1
            return
        seen = self._seen[lane]
        if len(seen) <= number:
            seen.extend(bytes(self._in[lane] - len(seen)))
        if seen[number]:
            self.twice += 1
            return
        seen[number] = 1
        self._different += 1
        if number < self._highest[lane]:
            self.disordered += 1
        self._highest[lane] = max(self._highest[lane], number)

    def first_missing(self, lane):
        """Up to which number every number of the lane has come out."""
        seen, at = self._seen[lane], self._whole[lane]
        while at < len(seen) and seen[at]:
            at += 1
        self._whole[lane] = at
        return at

    @property
    def in_count(self):
        return sum(self._in.values())

    @property
    def different(self):
        """How many of those that went in have come out."""
        return self._different

    @property
    def lost(self):
        return self.in_count - self.different

    @property
    def figures(self):
        return (f"in {self.in_count:,}  out {self.out_count:,}  lost {self.lost:,}  twice {self.twice:,}  "
                f"out of order {self.disordered:,}" + (f"  unknown {self.unknown:,}" if self.unknown else ""))
