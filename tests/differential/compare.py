"""What may differ and what may not: answers of the protocol, and the contents of tables."""

import re
import struct

from differential.schema import VOLATILE
from harness.wire import fields, row


def column_names(description):
    """The names in a RowDescription."""
    (count,) = struct.unpack_from("!h", description)
    names, at = [], 2
    for _ in range(count):
        end = description.index(b"\0", at)
        names.append(description[at:end].decode())
        at = end + 1 + 18
    return names


def volatile(name):
    """q, c and r hold what no two runs share."""
    return name in VOLATILE


def without_first_row(report):
    """Which of several rows that cannot be cast is named depends on where they lie in storage, which is left open."""
    if "when casting from source column" not in report.get("M", ""):
        return report
    return {**report, "M": re.sub(r"'.*?' to ", "a value to ", report["M"], flags=re.DOTALL)}


class Answer:
    """One statement's answer, with the volatile values taken out. `risen` are those of sequences, in order."""

    def __init__(self, messages):
        self.messages, self.risen = [], []
        names = None
        for kind, body in messages:
            if kind == "T":
                names = column_names(body)
                self.messages.append((kind, body))
            elif kind == "D":
                self.messages.append((kind, self.masked(row(body), names)))
            elif kind in "EN":
                self.messages.append((kind, without_first_row(fields(body))))
            else:
                self.messages.append((kind, body))

    def masked(self, values, names):
        assert names is not None and len(names) == len(values), "rows without a description"
        out = []
        for name, value in zip(names, values, strict=True):
            if name == "q" and value is not None and not value.startswith(b"\0\0"):
                self.risen.append(int(value))
            out.append(("given", value is not None) if volatile(name) else value)
        return tuple(out)

    @property
    def error(self):
        return next((value for kind, value in self.messages if kind == "E"), None)

    @property
    def tag(self):
        return next((value[:-1].decode() for kind, value in self.messages if kind == "C"), None)

    @property
    def rows(self):
        return [value for kind, value in self.messages if kind == "D"]

    def same_as(self, other, ordered_rows):
        if ordered_rows:
            return self.messages == other.messages
        return sorted(map(repr, self.messages)) == sorted(map(repr, other.messages))

    def __str__(self):
        return "\n      ".join(f"{kind} {value!r}" for kind, value in self.messages)


def contents_query(table, schema):
    """Every row in the order of storage; volatile columns say only whether they have a value."""
    exact = [c.name for c in table.columns if not volatile(c.name)]
    given = [f"{c.name} IS NOT NULL" for c in table.columns if volatile(c.name)]
    return f"SELECT {', '.join([f'{name}::VARCHAR' for name in exact] + given)} FROM {schema}.{table.name} ORDER BY rowid"


def checks_of_volatile(table, schema):
    """Queries that must answer no row: sequence numbers used twice, one random number for many rows, clocks that lie."""
    full = f"{schema}.{table.name}"
    for column in table.columns:
        if column.name == "q":
            yield f"SELECT q, count(*) FROM {full} WHERE q > 0 GROUP BY q HAVING count(*) > 1"
        elif column.name == "r":
            yield f"SELECT r, count(*) FROM {full} WHERE r < 1 AND r > 0 GROUP BY r HAVING count(*) > 1"
        elif column.name == "c":
            yield f"SELECT c FROM {full} WHERE c > now()"
