"""Two servers with the same tables: one coalesces, the other runs every statement by itself.

A batch is a list of items, one for each of some connections. On the coalescing server a transaction holds the write lane
while the items are sent, one after the other, so that all of them wait in the queue in a known order; then it commits,
and they run together. On the other server each is sent when the one before has been answered. The answers must be the
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
        self.wires = [Wire.open(server) for _ in settings]
        for wire, statements in zip(self.wires, settings, strict=True):
            for statement in statements:
                answer = wire.ask(query(statement))
                assert not any(m.kind == "E" for m in answer), (statement, answer)

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


def messages_of(item):
    if item.values is None:
        return query(item.sql)
    formats = [f for f, _ in item.values]
    # As libpq does it: the portal is described, for what it returns may depend on the values.
    return bind(*(v for _, v in item.values), statement="s", formats=formats) + describe("P") + execute() + SYNC


class Pair:
    """`settings` is a list with a tuple of SET statements for each connection."""

    def __init__(self, coalescing, plain, settings):
        self.fast, self.slow = Side(coalescing, settings), Side(plain, settings)
        self.settings = settings
        self.statements = self.batches = self.errors = 0

    def make(self, tables):
        for table in tables:
            for statement in table.create():
                for side in (self.fast, self.slow):
                    side.run(statement)

    def prepare(self, items):
        """Prepares what has values, on both sides; the answers to Parse and Describe must be the same."""
        for number, item in enumerate(items):
            if item.values is None:
                continue
            asked = parse(item.sql, "s", item.oids), describe("S", "s"), SYNC
            answers = [Answer(side.wires[number].ask(*asked)) for side in (self.fast, self.slow)]
            if not answers[0].same_as(answers[1], True):
                self.differ(items, number, *answers, "Parse and Describe")

    def run(self, items):
        """Runs a batch on both sides and compares every answer."""
        self.prepare(items)
        fast = self.together(items)
        slow = self.one_by_one(items)
        for number, (one, other) in enumerate(zip(fast, slow, strict=True)):
            if not one.same_as(other, items[number].ordered):
                self.differ(items, number, one, other, "the answer")
            self.errors += one.error is not None
        for number, item in enumerate(items):
            if item.values is not None:
                for side in (self.fast, self.slow):
                    side.wires[number].ask(close("S", "s"), SYNC)
        self.batches += 1
        self.statements += len(items)

    def together(self, items):
        side = self.fast
        side.lane.ask(query("BEGIN"), query("UPDATE main.lane SET n = n + 1"))
        for number, item in enumerate(items):
            side.wires[number].send(messages_of(item))
            side.wait_for_arrival()
        self.wait_until_queued(len(items))
        done = side.lane.ask(query("COMMIT"))
        assert [m.body for m in done if m.kind == "C"] == [b"COMMIT\0"], done
        return [Answer(side.wires[n].until_ready()) for n in range(len(items))]

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

    def one_by_one(self, items):
        answers = []
        for number, item in enumerate(items):
            self.slow.wires[number].send(messages_of(item))
            answers.append(Answer(self.slow.wires[number].until_ready()))
        return answers

    def differ(self, items, number, fast, slow, what):
        lines = [f"{what} differs for statement {number + 1} of {len(items)}, of {self.settings[number]}:", show(items[number])]
        lines += ["  together:", f"      {fast}", "  one by one:", f"      {slow}", self.batch_text(items)]
        raise Difference("\n".join(lines))

    def batch_text(self, items):
        return "\n".join(["  the batch:", *(f"  {n + 1:3} {self.settings[n]} {show(item)}" for n, item in enumerate(items))])

    def compare_tables(self, tables, items):
        for table in tables:
            for schema in table.schemas:
                sql = contents_query(table, schema)
                fast, slow = self.fast.run(sql), self.slow.run(sql)
                if not table.only_inserts:
                    fast, slow = sorted(fast, key=repr), sorted(slow, key=repr)
                if fast != slow:
                    raise Difference(first_difference(f"{schema}.{table.name}", fast, slow) + "\n" + self.batch_text(items))
                for check in checks_of_volatile(table, schema):
                    found = self.fast.run(check)
                    if found:
                        raise Difference(f"{check} found {found[:5]}\n{self.batch_text(items)}")

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


def show(item):
    if item.values is None:
        return item.sql
    return f"{item.sql} with {[v for _, v in item.values]} as {item.oids} formats {[f for f, _ in item.values]}"


def first_difference(name, fast, slow):
    lines = [f"{name} differs: {len(fast)} rows together, {len(slow)} one by one"]
    for number in range(max(len(fast), len(slow))):
        one = fast[number] if number < len(fast) else None
        other = slow[number] if number < len(slow) else None
        if one != other:
            lines += [f"  row {number}", f"    together:   {one}", f"    one by one: {other}"]
            break
    return "\n".join(lines)

