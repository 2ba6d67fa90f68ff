"""Two servers with the same tables: one coalesces, the other runs every statement by itself.

A batch is a list of units, each for a connection of its own. On the coalescing server a transaction holds the write lane
while they are sent, one after the other, so that all of them wait in the queue in a known order; then it commits, and
they run together. Or one connection sends them all before it reads an answer. On the other server each is sent when the one before has been answered. The answers must be the
same, and the tables too.
"""

import select
import time

from differential.compare import Answer, checks_of_volatile, contents_query
from differential.schema import SETUP
from harness.wire import SYNC, Wire, bind, close, describe, execute, fields, parse, query, row

WAIT_S = 30


class Difference(AssertionError):
    pass


class Side:
    """One server, with a connection for each place of a batch."""

    def __init__(self, server, settings):
        self.server = server
        self.control = Wire.open(server)
        self.lane = Wire.open(server)
        for statement in SETUP:
            self.run(statement)
        self.settings = settings
        self.wires = [self.session(place) for place in range(len(settings))]

    def session(self, place):
        wire = Wire.open(self.server)
        for statement in self.settings[place]:
            answer = wire.ask(query(statement))
            assert not any(m.kind == "E" for m in answer), (statement, answer)
        return wire

    def renew(self, place):
        self.wires[place].close()
        self.wires[place] = self.session(place)

    def run(self, sql):
        answer = self.control.ask(query(sql))
        errors = [fields(m.body) for m in answer if m.kind == "E"]
        assert not errors, (sql, errors)
        return [row(m.body) for m in answer if m.kind == "D"]

    def wait_for_arrival(self):
        """Two empty round trips: the event loop has then read all that was sent before."""
        self.control.ask(query(""))
        self.control.ask(query(""))

    def close(self):
        for wire in [*self.wires, self.control, self.lane]:
            wire.close()


class Unit:
    """What is sent up to one ReadyForQuery: a statement, several in one string, or a pipeline up to its Sync."""

    def __init__(self, *items):
        self.items = items
        self.extended = items[0].values is not None
        self.ordered = all(item.ordered for item in items)

    def named(self, number):
        """The statements to prepare, with their names."""
        return [(f"s{number}_{n}", item) for n, item in enumerate(self.items)] if self.extended else []

    def messages(self, number):
        if not self.extended:
            return query(";\n".join(item.sql for item in self.items))
        out = b""
        for name, item in self.named(number):
            formats = [f for f, _ in item.values]
            # As libpq does it: the portal is described, for what it returns may depend on the values.
            out += bind(*(v for _, v in item.values), statement=name, formats=formats) + describe("P") + execute()
        return out + SYNC

    def __str__(self):
        lines = []
        for item in self.items:
            given = f" with {[v for _, v in item.values]} as {item.oids}, formats {[f for f, _ in item.values]}" if self.extended else ""
            lines.append(item.sql + given)
        return "\n      and ".join(lines)


class Pair:
    """`settings` is a list with a tuple of SET statements for each connection."""

    def __init__(self, coalescing, plain, settings):
        self.fast, self.slow = Side(coalescing, settings), Side(plain, settings)
        self.settings = settings
        self.units = self.batches = self.errors = 0

    def make(self, tables):
        for table in tables:
            for statement in table.create():
                for side in (self.fast, self.slow):
                    side.run(statement)

    def run(self, units, one_connection=False):
        """Runs a batch on both sides and compares every answer; answers with those of the first."""
        places = [0] * len(units) if one_connection else list(range(len(units)))
        self.prepare(units, places)
        fast, slow = self.together(units, places), self.one_by_one(units, places)
        for number, (one, other) in enumerate(zip(fast, slow, strict=True)):
            if not one.same_as(other, units[number].ordered):
                self.differ(units, number, one, other, "the answer")
            self.errors += one.error is not None
        self.forget(units, places)
        # A session that made a mistake runs apart for a while; here it is to go on in company.
        for place in {place for place, answer in zip(places, fast, strict=True) if answer.error is not None}:
            self.fast.renew(place)
            self.slow.renew(place)
        self.batches += 1
        self.units += len(units)
        return fast

    def prepare(self, units, places):
        """Prepares what has parameters, on both sides; the answers to Parse and Describe must be the same."""
        for number, unit in enumerate(units):
            for name, item in unit.named(number):
                asked = parse(item.sql, name, item.oids), describe("S", name), SYNC
                answers = [Answer(side.wires[places[number]].ask(*asked)) for side in (self.fast, self.slow)]
                if not answers[0].same_as(answers[1], True):
                    self.differ(units, number, *answers, "Parse and Describe")

    def forget(self, units, places):
        for number, unit in enumerate(units):
            for name, _ in unit.named(number):
                for side in (self.fast, self.slow):
                    side.wires[places[number]].ask(close("S", name), SYNC)

    def together(self, units, places):
        side = self.fast
        side.lane.ask(query("BEGIN"), query("UPDATE main.lane SET n = n + 1"))
        for number, unit in enumerate(units):
            side.wires[places[number]].send(unit.messages(number))
            if places[number] == number:
                side.wait_for_arrival()
        self.wait_until_queued(len(set(places)))
        done = side.lane.ask(query("COMMIT"))
        assert [m.body for m in done if m.kind == "C"] == [b"COMMIT\0"], done
        return [Answer(side.wires[place].until_ready()) for place in places]

    def wait_until_queued(self, count):
        """Each waits in the queue, or was refused before it got there and has its answer."""
        deadline = time.monotonic() + WAIT_S
        sockets = [wire.socket for wire in self.fast.wires[:count]]
        while True:
            answered, _, _ = select.select(sockets, [], [], 0)
            waiting = self.fast.server.status()["queue"]["waiting"]
            if waiting + len(answered) >= count:
                return
            assert time.monotonic() < deadline, f"{waiting} wait and {len(answered)} are answered, of {count}"

    def one_by_one(self, units, places):
        answers = []
        for number, unit in enumerate(units):
            wire = self.slow.wires[places[number]]
            wire.send(unit.messages(number))
            answers.append(Answer(wire.until_ready()))
        return answers

    def differ(self, units, number, fast, slow, what):
        lines = [f"{what} differs for unit {number + 1} of {len(units)}, of {self.settings[number]}:", str(units[number])]
        lines += ["  together:", f"      {fast}", "  one by one:", f"      {slow}", self.batch_text(units)]
        raise Difference("\n".join(lines))

    def batch_text(self, units):
        return "\n".join(["  the batch:", *(f"  {n + 1:3} {self.settings[n]} {unit}" for n, unit in enumerate(units))])

    def compare_tables(self, tables, units):
        for table in tables:
            for schema in table.schemas:
                sql = contents_query(table, schema)
                fast, slow = self.fast.run(sql), self.slow.run(sql)
                if not table.only_inserts:
                    fast, slow = sorted(fast, key=repr), sorted(slow, key=repr)
                if fast != slow:
                    raise Difference(first_difference(f"{schema}.{table.name}", fast, slow) + "\n" + self.batch_text(units))
                for check in checks_of_volatile(table, schema):
                    found = self.fast.run(check)
                    if found:
                        raise Difference(f"{check} found {found[:5]}\n{self.batch_text(units)}")

    def shrink(self, tables, most=1500):
        """Keeps tables small, by the same statement on both sides."""
        for table in tables:
            for schema in table.schemas:
                (count,) = self.fast.run(f"SELECT count(*) FROM {schema}.{table.name}")
                if int(count[0]) > most:
                    for side in (self.fast, self.slow):
                        side.control.ask(query(f"DELETE FROM {schema}.{table.name}"))  # in vain where rows refer to rows

    def close(self):
        self.fast.close()
        self.slow.close()


def first_difference(name, fast, slow):
    lines = [f"{name} differs: {len(fast)} rows together, {len(slow)} one by one"]
    for number in range(max(len(fast), len(slow))):
        one = fast[number] if number < len(fast) else None
        other = slow[number] if number < len(slow) else None
        if one != other:
            lines += [f"  row {number}", f"    together:   {one}", f"    one by one: {other}"]
            break
    return "\n".join(lines)

