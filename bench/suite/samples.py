"""What was measured: samples by round, ratios by round, targets, and tables of them."""

import statistics
from dataclasses import dataclass, field


@dataclass
class Spread:
    """A median and the smallest and largest value around it."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values):
        return Spread(statistics.median(values), min(values), max(values))

    def as_dict(self):
        return {"median": self.median, "min": self.low, "max": self.high}


@dataclass
class Series:
    """One contestant doing one thing: a sample a round."""

    contestant: str
    case: str = ""  # "32 clients, prepared"; series are compared within a case
    samples: list = field(default_factory=list)

    @property
    def spread(self):
        return Spread.of(self.samples)

    def ratio_to(self, other):
        """Round by round, so that what slows the whole machine for a while slows both sides of a ratio."""
        pairs = zip(self.samples, other.samples, strict=True)
        return Spread.of([mine / theirs for mine, theirs in pairs if theirs > 0])


@dataclass
class Target:
    text: str
    value: Spread
    limit: float
    at_least: bool
    unit: str = "×"

    @property
    def met(self):
        return self.value.median >= self.limit if self.at_least else self.value.median <= self.limit

    def as_dict(self):
        return {
            "text": self.text,
            "limit": self.limit,
            "at_least": self.at_least,
            "unit": self.unit,
            "met": self.met,
            **self.value.as_dict(),
        }


@dataclass
class Comparison:
    """A column of ratios: which series each one is divided by. `same_case` False: always that of `case`."""

    title: str
    contestant: str
    case: str | None = None  # None: the same case as the series itself
    percent: bool = False


class Table:
    """All series of one benchmark, in the order in which they were first measured."""

    def __init__(self, name, title, unit, comparisons=(), digits=0):
        self.name, self.title, self.unit, self.digits = name, title, unit, digits
        self.comparisons = list(comparisons)
        self.series = {}
        self.targets = []
        self.notes = []
        self.plots = []

    def add(self, contestant, case, value):
        key = (contestant, case)
        if key not in self.series:
            self.series[key] = Series(contestant, case)
        self.series[key].samples.append(value)

    def get(self, contestant, case=""):
        return self.series[(contestant, case)]

    def target(self, text, value, *, at_least=None, at_most=None, unit="×"):
        limit = at_least if at_least is not None else at_most
        self.targets.append(Target(text, value, limit, at_least is not None, unit))

    def compare(self, series, comparison):
        """The ratio for one cell, or None when there is nothing to divide by."""
        case = series.case if comparison.case is None else comparison.case
        other = self.series.get((comparison.contestant, case))
        if other is None or other is series:
            return None
        return series.ratio_to(other)

    def as_dict(self):
        rows = []
        for series in self.series.values():
            ratios = {}
            for comparison in self.comparisons:
                ratio = self.compare(series, comparison)
                if ratio is not None:
                    ratios[comparison.title] = ratio.as_dict()
            rows.append(
                {
                    "contestant": series.contestant,
                    "case": series.case,
                    "unit": self.unit,
                    "samples": series.samples,
                    **series.spread.as_dict(),
                    "ratios": ratios,
                }
            )
        return {
            "name": self.name,
            "title": self.title,
            "unit": self.unit,
            "rows": rows,
            "targets": [target.as_dict() for target in self.targets],
            "notes": self.notes,
        }
