"""What a row finds out, and how: runs that alternate, and the ratios of those that stand side by side."""

import dataclasses
import statistics


@dataclasses.dataclass
class Sample:
    """One run of one side. `rate` in units a second; the processor time of a unit and delays in µs."""

    rate: float
    processor: float | None = None
    p50: float | None = None
    p99: float | None = None


@dataclasses.dataclass
class Instructions:
    """Of one unit, in user space; `owners` are the files whose code they are, the largest first."""

    count: float
    owners: list[tuple[str, float]] = dataclasses.field(default_factory=list)


def alternate(rounds, ours, peer):
    """Pairs of samples. Who goes first changes from round to round, as what a machine does drifts."""
    pairs = []
    for number in range(rounds):
        if number % 2:
            theirs = peer()
            pairs.append((ours(), theirs))
        else:
            mine = ours()
            pairs.append((mine, peer()))
    return pairs


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def number(value):
    """A figure with three digits, or with all those of its whole part."""
    if value is None:
        return "–"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


class Comparison:
    """A line of the table: agenthost beside a peer, or beside itself with less to do. `target`: the least ratio of rates."""

    def __init__(self, row, title, peer, unit, pairs, target=None, instructions=(None, None), cores="", notes=(),
                 ours="agenthost"):
        self.row, self.title, self.peer, self.unit, self.pairs = row, title, peer, unit, pairs
        self.target, self.instructions, self.cores, self.notes, self.ours = target, instructions, cores, list(notes), ours

    @property
    def ratios(self):
        return [ours.rate / theirs.rate for ours, theirs in self.pairs]

    @property
    def ratio(self):
        return statistics.median(self.ratios)

    @property
    def processor_ratio(self):
        """The peer's processor time for a unit by ours, or None where it was not measured."""
        return median([theirs.processor / ours.processor for ours, theirs in self.pairs if ours.processor and theirs.processor])

    @property
    def is_met(self):
        return None if self.target is None else self.ratio >= self.target

    def side(self, index, field):
        """The median of one field of one side: 0 is ours, 1 the peer."""
        return median([getattr(pair[index], field) for pair in self.pairs])


class Bound:
    """A line of the table that has a limit by itself; of the peer, if there is one, the same was measured."""

    def __init__(self, row, title, unit, values, limit=None, peer=None, peer_values=(), cores="", notes=()):
        self.row, self.title, self.unit, self.values, self.limit = row, title, unit, values, limit
        self.peer, self.peer_values, self.cores, self.notes = peer, list(peer_values), cores, list(notes)

    @property
    def value(self):
        return statistics.median(self.values)

    @property
    def is_met(self):
        return None if self.limit is None else self.value <= self.limit
