"""The same bytes to Merganser and to PostgreSQL 15, and what of their answers has to be equal."""

import struct

from harness.wire import Wire, fields, row


def answer_of(message):
    """What a client acts on: kind, tag, SQLSTATE, values, number and names of columns, state. Not wording, nor types."""
    kind, body = message
    if kind in "EN":
        return kind, fields(body)["S"], fields(body)["C"]
    if kind == "C":
        return kind, body.rstrip(b"\0").decode()
    if kind == "D":
        return kind, tuple(row(body))
    if kind == "T":
        names, at = [], 2
        for _ in range(struct.unpack_from("!h", body)[0]):
            end = body.index(b"\0", at)
            names.append(body[at:end].decode())
            at = end + 19
        return kind, tuple(names)
    if kind == "Z":
        return kind, body.decode()
    if kind == "S":
        name, value, _ = body.split(b"\0")
        return kind, name.decode(), value.decode()
    return (kind,)


def is_chatter(message):
    """What only informs (IF EXISTS found nothing): each says what it likes."""
    return message.kind == "N" and fields(message.body)["S"] == "NOTICE"


class Both:
    """A connection to each; ask() compares and returns what both said."""

    def __init__(self, *servers):
        self.wires = [Wire.open(server) for server in servers]
        self.asked = []

    def ask(self, *parts, label=None):
        self.asked.append(label or parts)
        ours, theirs = ([answer_of(m) for m in wire.ask(*parts) if not is_chatter(m)] for wire in self.wires)
        if isinstance(label, str) and label.startswith("update"):
            ours, theirs = sorted(ours), sorted(theirs)  # RETURNING has no order there
        assert ours == theirs, f"after {self.asked[-12:]}\nMerganser:  {ours}\nPostgreSQL: {theirs}"
        return ours

    def close(self):
        for wire in self.wires:
            wire.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
