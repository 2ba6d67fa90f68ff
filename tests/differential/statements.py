"""Statements of every shape over a table: a Shape is made once, and filled with other values for each execution.

A shape fixes where values stand and, mostly, how they are spelled, as a program's statement does. Filled it is an
Item: text for the simple protocol, or text with parameters and their values for the extended one.
"""

import re
from dataclasses import dataclass, field

from differential.literals import KEY_SPELLINGS, OIDS, SPELLINGS, key_bytes, key_literal, parameter, python_key, python_value


@dataclass
class Item:
    sql: str
    values: list = None  # of (format, bytes or None) for the extended protocol; None: simple protocol
    oids: tuple = ()
    ordered: bool = False  # rows come back in the order of VALUES: a plain INSERT, nothing else


@dataclass
class Keys:
    """Where keys come from: few, so that they meet, or ever new ones."""

    low: int = 0
    span: int = 40
    fresh: float = 0.4  # the share of keys that nobody had before
    next: int = 0

    def pick(self, rng):
        return self.fresh_one() if rng.random() < self.fresh else self.low + rng.randrange(self.span)

    def fresh_one(self):
        self.next += 1
        return self.low + self.span + self.next


@dataclass
class Filling:
    """The values of one execution, as they are asked for in the order of the text."""

    rng: object
    keys: Keys
    bad: float
    extended: bool
    # DuckDB itself leaves open what an upsert of several rows answers when more than one of them is in conflict, holds a
    # NULL where keys are compared, or is wrong: which row comes first is not the same in two runs.
    cautious: bool = False
    used: set = field(default_factory=set)
    values: list = field(default_factory=list)
    oids: list = field(default_factory=list)
    null = (0, None)

    def add(self, value, oid):
        self.values.append(value)
        self.oids.append(oid)
        return f"${len(self.values)}"

    def given(self, column, oid, number, bad):
        """A parameter for a value; None where it has no form as one."""
        if column.role in ("key", "unique") and not bad and oid in (0, 25, 1043):
            return self.add((0, key_bytes(column.type, number)), oid)
        return self.add(parameter(self.rng, column.type, oid, number, bad), oid)

    def key(self, column):
        number = self.keys.pick(self.rng)
        while self.cautious and (column.name, number) in self.used:
            number = self.keys.fresh_one()
        if column.role == "unique" and (self.cautious or self.rng.random() < 0.9):
            number = self.keys.fresh_one()
        self.used.add((column.name, number))
        return number


VOLATILE_WORDS = {"q": "nextval('main.numbers')", "c": "now()", "r": "random()"}


class PythonFilling(Filling):
    """Parameters as psycopg takes them."""

    null = None

    def add(self, value, _):
        self.values.append(value)
        return "%s"

    def given(self, column, _, number, bad):
        if bad:
            return self.add(self.rng.choice(("x", "", "9" * 25, "2024-02-30")), 0)
        if column.role in ("key", "unique"):
            return self.add(python_key(column.type, number), 0)
        return self.add(python_value(column.type, number), 0)


# A literal by itself: what most programs write, and what can be lifted.
PLAIN = re.compile(r"(-?[0-9][0-9_.e]*|'[^']*'|TRUE|false)(::\w+)?")


def needs_value(column):
    return column.role == "key" or ("NOT NULL" in column.declared and "DEFAULT" not in column.declared)


class Cell:
    """One place for a value of a column. `plain`: only literals by themselves, no expressions."""

    def __init__(self, rng, column, *, default_allowed=True, plain=False):
        self.column = column
        self.good, self.bad = SPELLINGS.get(column.type, ([], []))
        if plain:
            self.good = [style for style in self.good if PLAIN.fullmatch(style(rng, 5))] or self.good
        self.style = rng.choice(self.good) if self.good else None
        self.key_styles = KEY_SPELLINGS.get(column.type, ())
        if plain:
            self.key_styles = [style for style in self.key_styles if PLAIN.fullmatch(style.format(n=5))]
        self.key_style = rng.choice(self.key_styles) if self.key_styles else None
        self.oid = rng.choice(OIDS.get(column.type, (0,)))
        needed = needs_value(column)
        self.null = rng.choice((0, 0, 0.01)) if needed else rng.choice((0, 0, 0.05, 0.3))
        self.default = default_allowed and rng.random() < (0.01 if needed else 0.08)
        self.volatile = rng.choice(("DEFAULT", "DEFAULT", VOLATILE_WORDS.get(column.name)))
        self.lifted = rng.random() < 0.85  # in the extended protocol: a parameter, else a literal

    def fill(self, f):
        rng, column = f.rng, self.column
        if column.role == "volatile":
            return self.volatile
        keyed = column.role in ("key", "unique")
        sensitive = f.cautious and (keyed or "NOT NULL" in column.declared or "CHECK" in column.declared)
        if self.default and not (f.cautious and (keyed or column.declared)):
            return "DEFAULT"
        if rng.random() < self.null and column.role != "counter" and not sensitive:
            if f.extended and self.lifted:
                return f.add(f.null, self.oid)
            return rng.choice(("NULL", "NULL", "null", "NULL", "NULL", "NULL::VARCHAR"))
        bad = rng.random() < f.bad and not f.cautious and not (keyed and column.type == "VARCHAR")
        number = f.key(column) if keyed else rng.randrange(0, 60)
        if column.role == "parent":
            number = rng.randrange(20) * 3 if not bad else 1
        if f.extended and self.lifted:
            return f.given(column, self.oid, number, bad)
        if keyed and not bad:
            other = rng.choice(self.key_styles) if self.key_styles else None
            return key_literal(rng, column.type, number, self.key_style if rng.random() < 0.95 else other)
        if bad and self.bad and column.role != "parent":
            return rng.choice(self.bad)(rng, number)
        if column.role == "parent":
            return str(number)
        style = self.good[0] if sensitive else self.style if rng.random() < 0.95 else rng.choice(self.good)
        return style(rng, number)


class Shape:
    """Parts of text and cells; `fill` joins them."""

    def __init__(self, parts, ordered=False, cautious=False):
        self.parts, self.ordered, self.cautious = parts, ordered, cautious

    def fill(self, rng, keys, bad=0.0, extended=False, filling=Filling):
        f = filling(rng, keys, bad, extended, self.cautious)
        sql = "".join(part.fill(f) if isinstance(part, Cell) else part for part in self.parts)
        return Item(sql, f.values, tuple(f.oids), self.ordered) if extended else Item(sql, ordered=self.ordered)


def spelled(rng, words):
    """Keywords as people write them."""
    return rng.choice((words, words, words.lower(), words.replace(" ", "  "), words.replace(" ", "\n"), words.title()))


def quoted(rng, name):
    return f'"{name}"' if rng.random() < 0.1 else name.upper() if rng.random() < 0.05 else name


def returning(rng, table, share=0.4):
    if rng.random() > share:
        return ""
    names = [c.name for c in table.columns]
    choice = rng.random()
    if choice < 0.3:
        listed = ["*"]
    elif choice < 0.8:
        listed = rng.sample(names, rng.randint(1, min(3, len(names))))
    else:
        listed = ["n + 1 AS more", "id", "upper(id::varchar) AS text", "n"]
    return spelled(rng, " RETURNING ") + ", ".join(listed)


def plain_or_not(rng):
    return rng.random() < 0.9


def values_rows(rng, columns, rows):
    plain = plain_or_not(rng)
    parts, cells = [], []
    for row in range(rows):
        # What a program writes has one form in all rows.
        if not (plain and cells):
            cells = [Cell(rng, column, default_allowed=not plain or rng.random() < 0.3, plain=plain) for column in columns]
        parts.append(", (" if row else "(")
        for number, cell in enumerate(cells):
            parts += [", ", cell] if number else [cell]
        parts.append(")")
    return parts


def listed_always(rng, column, rows):
    if column.role == "unique":
        return rows > 1
    return column.role == "key" or (needs_value(column) and rng.random() < 0.97)


def insert(rng, table):
    words = rng.choice(("INSERT INTO ",) * 6 + ("INSERT OR REPLACE INTO ", "INSERT OR IGNORE INTO "))
    if table.only_inserts:
        words = "INSERT INTO "
    rows = rng.choice((1, 1, 1, 1, 2, 3, 7))
    listed = [c for c in table.settable if c.role != "volatile" or rng.random() < 0.1]
    if rng.random() < 0.6:
        listed = [c for c in listed if listed_always(rng, c, rows) or rng.random() < 0.85]
        rng.shuffle(listed)
        names = f" ({', '.join(quoted(rng, c.name) for c in listed)}) "
    else:
        listed, names = table.settable, " "
    parts = [spelled(rng, words), quoted(rng, table.name) if "." not in table.name else table.name, names, spelled(rng, "VALUES "), *values_rows(rng, listed, rows)]
    upsert = ""
    if words == "INSERT INTO " and not table.only_inserts and table.key:
        upsert = conflict(rng, table, [c.name for c in listed])
    parts += [upsert, returning(rng, table)]
    if rng.random() < 0.1:
        parts.append(rng.choice((";", " ; ", " -- the end", " /* the end */")))
    plain = words == "INSERT INTO " and not upsert
    return Shape(parts, ordered=plain, cautious=rows > 1 and not plain)


def conflict(rng, table, listed):
    choice = rng.random()
    target = f"({', '.join(table.key)})"
    if choice < 0.4:
        return ""
    if choice < 0.55:
        return spelled(rng, rng.choice((" ON CONFLICT DO NOTHING", f" ON CONFLICT {target} DO NOTHING")))
    others = [c.name for c in table.settable if c.role in ("value", "counter") and c.name in listed]
    sets = ["n = n + 1", f"n = {table.name}.n + 1", "n = excluded.n + 1"][rng.randrange(3)]
    if others and rng.random() < 0.7:
        sets = ", ".join(f"{name} = excluded.{name}" for name in rng.sample(others, rng.randint(1, len(others))))
    where = rng.choice(("", "", "", " WHERE excluded.n > 10", f" WHERE {table.name}.n < 50")) if "n" in listed else ""
    return f" ON CONFLICT {target} DO UPDATE SET {sets}{where}"


def key_condition(rng, table):
    parts = []
    plain = plain_or_not(rng)
    for number, name in enumerate(table.key or ["id"]):
        column = table.column(name)
        cell = Cell(rng, column, default_allowed=False, plain=plain)
        cell.null = rng.choice((0, 0, 0, 0.1))
        parts.append(" AND " if number else "")
        if rng.random() < 0.05:
            parts += [cell, " = ", name]
        else:
            parts += [quoted(rng, name), rng.choice((" = ", " = ", "=", " = ", " == ")), cell]
    return parts


def extra_condition(rng):
    return rng.choice(("",) * 12 + (" AND n > 3", " AND n IS NOT NULL", " AND id IS NOT NULL AND n < 30", " OR 1 = 0"))


def update(rng, table):
    settable = [c for c in table.settable if c.role in ("value", "counter")]
    if rng.random() < 0.1:
        settable += [c for c in table.settable if c.role in ("key", "unique", "parent")]
    parts = [spelled(rng, "UPDATE "), quoted(rng, table.name), spelled(rng, " SET ")]
    plain = plain_or_not(rng)
    for number, column in enumerate(rng.sample(settable, rng.randint(1, min(3, len(settable))))):
        parts.append(", " if number else "")
        if column.name == "n" and rng.random() < 0.6:
            parts.append(rng.choice(("n = n + 1", "n = coalesce(n, 0) + 2", f"n = {table.name}.n - 1", "n = 5")))
        else:
            parts += [column.name, " = ", Cell(rng, column, default_allowed=not plain, plain=plain)]
    parts += [spelled(rng, " WHERE "), *key_condition(rng, table), extra_condition(rng), returning(rng, table)]
    return Shape(parts)


def delete(rng, table):
    parts = [spelled(rng, "DELETE FROM "), quoted(rng, table.name), spelled(rng, " WHERE ")]
    return Shape([*parts, *key_condition(rng, table), extra_condition(rng), returning(rng, table)])


def odd(rng, table):
    """What must not be coalesced, or is hard to tell apart from what may be."""
    name = table.name
    number = Cell(rng, table.column("n"), default_allowed=False)
    key = Cell(rng, table.column("id"), default_allowed=False)
    return Shape(
        rng.choice(
            (
                [f"INSERT INTO {name} (id, n) SELECT ", key, ", ", number],
                [f"INSERT INTO {name} (id, n) VALUES (", key, f", (SELECT count(*) FROM {name}))"],
                [f"UPDATE {name} SET n = n + 1 WHERE n = ", number],
                [f"UPDATE {name} SET n = ", number, " WHERE id IN (", key, ")"],
                [f"DELETE FROM {name} WHERE id >= ", key, " AND id <= ", key],
                [f"UPDATE {name} AS x SET n = ", number, " WHERE x.id = ", key, " RETURNING x.n"],
                [f"INSERT INTO {name} BY NAME SELECT ", key, " AS id, ", number, " AS n"],
                [f"INSERT INTO {name} (id, n) VALUES (", key, ", ", number, "); UPDATE ", name, " SET n = n + 1 WHERE id = ", key],
                [f"MERGE INTO {name} USING (SELECT ", key, " AS k) s ON (id = s.k) WHEN MATCHED THEN UPDATE SET n = n + 1"],
                [f"INSERT INTO main.{name} (id, n) VALUES (", key, ", ", number, ")"],
                [f"WITH x AS (SELECT 1) INSERT INTO {name} (id, n) VALUES (", key, ", ", number, ")"],
                [f"INSERT INTO {name} (id, id) VALUES (", key, ", ", key, ")"],
                [f"INSERT INTO {name} (id, nope) VALUES (", key, ", ", number, ")"],
                [f"INSERT INTO {name} (id) VALUES (", key, ", ", number, ")"],
                [f"INSERT INTO {name}_nope (id) VALUES (", key, ")"],
                [f"INSERT INTO {name} DEFAULT VALUES"],
                [f"UPDATE {name} SET n = ", number, ", n = ", number, " WHERE id = ", key],
                [f"UPDATE {name} SET id = ", key, " WHERE id = ", key],
                [f"UPDATE {name} SET n = id WHERE id = ", key],
                [f"UPDATE {name} SET n = (SELECT max(n) FROM {name}) WHERE id = ", key],
                ["INSERT INTO ", name, " (id, n) VALUES (", key, ", ", number, ") RETURNING (SELECT count(*) FROM lane)"],
            )
        )
    )


BY_KEY = (insert,) * 6 + (update,) * 4 + (delete,) * 2  # touch no rows but those of their keys
MAKERS = (*BY_KEY, *BY_KEY, odd)


def random_shape(rng, table, makers=MAKERS):
    if table.only_inserts:
        return insert(rng, table)
    return rng.choice(makers)(rng, table)
