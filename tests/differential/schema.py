"""Random tables: keys, unique columns, checks, defaults, generated columns, sequences, enums, foreign keys.

Names say what may be compared: q… holds numbers of a sequence (they rise, but may leave gaps), c… the time, r… random
numbers. All other columns must be the same to the byte.
"""

from dataclasses import dataclass, field

from differential.literals import SPELLINGS

KEY_TYPES = ("BIGINT", "BIGINT", "INTEGER", "VARCHAR", "VARCHAR", "UUID", "DATE")
VALUE_TYPES = [name for name in SPELLINGS if name != "mood"] + ["mood"]
VOLATILE = ("q", "c", "r")


@dataclass
class Column:
    name: str
    type: str
    declared: str = ""  # what follows the type
    role: str = "value"  # key, unique, counter, parent, volatile, generated, value


@dataclass
class Table:
    name: str  # as statements say it; may be found through the search path
    schemas: tuple  # where it is created
    columns: list
    key: list = field(default_factory=list)  # names of the key's columns; empty without one
    declared_key: str = ""
    extra: list = field(default_factory=list)  # statements after CREATE TABLE; {t} is the table with its schema
    only_inserts: bool = False  # then the order of rows is defined

    def column(self, name):
        return next(column for column in self.columns if column.name == name)

    @property
    def settable(self):
        return [c for c in self.columns if c.role != "generated"]

    def create(self):
        """Statements that make it, in each of its schemas."""
        for schema in self.schemas:
            parts = [f"{c.name} {c.type} {c.declared}".strip().replace("{s}", schema) for c in self.columns]
            if self.declared_key:
                parts.append(self.declared_key)
            full = f"{schema}.{self.name}"
            yield f"CREATE TABLE {full} ({', '.join(parts)})"
            yield from (sql.format(t=full, n=f"{schema}_{self.name}") for sql in self.extra)


SCHEMAS = ("main", "other")
SETUP = [
    "CREATE SCHEMA IF NOT EXISTS other",
    "CREATE TYPE main.mood AS ENUM ('sad', 'ok', 'happy')",
    "CREATE TYPE other.mood AS ENUM ('sad', 'ok', 'happy')",
    "CREATE SEQUENCE main.numbers",
    *(f"CREATE TABLE {schema}.parents (id BIGINT PRIMARY KEY)" for schema in SCHEMAS),
    *(f"INSERT INTO {schema}.parents SELECT range * 3 FROM range(20)" for schema in SCHEMAS),
    "CREATE TABLE main.lane (n BIGINT)",
    "INSERT INTO main.lane VALUES (0)",
]


def constrained(rng, column):
    """Adds a constraint or a default to a value column."""
    word = rng.random()
    if column.type == "BIGINT" and word < 0.3:
        column.declared = f"CHECK ({column.name} < 1000)"
    elif word < 0.45:
        column.declared = "NOT NULL"
    elif word < 0.6:
        default = {"BIGINT": "7", "INTEGER": "1 + 1", "VARCHAR": "'none'", "BOOLEAN": "true", "DOUBLE": "0.5"}.get(column.type)
        column.declared = f"DEFAULT {default}" if default else ""
    elif column.type == "VARCHAR" and word < 0.7:
        column.declared = f"CHECK (length({column.name}) < 40)"
    return column


def random_table(rng, name, apart=False):
    """`apart`: rows of different keys never look at each other, and keys of any number have a form."""
    columns, key, declared_key, extra = [], [], "", []
    form = rng.choice(("primary", "primary", "primary", "unique", "composite", "none", "index"))
    key_type = rng.choice([t for t in KEY_TYPES if not (apart and t == "DATE")])
    columns.append(Column("id", key_type, role="key"))
    if form == "primary":
        columns[0].declared = "PRIMARY KEY"
        key = ["id"]
    elif form == "unique":
        columns[0].declared = "UNIQUE"
        key = ["id"]
    elif form == "index":
        extra.append("CREATE UNIQUE INDEX {n}_key ON {t} (id)")
        key = ["id"]
    elif form == "composite" and not apart:
        columns.append(Column("part", rng.choice(("INTEGER", "VARCHAR")), role="key"))
        declared_key = "PRIMARY KEY (id, part)"
        key = ["id", "part"]
    columns.append(Column("n", "BIGINT", rng.choice(("", "DEFAULT 0", "NOT NULL DEFAULT 1", "CHECK (n > -100)")), role="counter"))
    for number in range(rng.randint(1, 4)):
        columns.append(constrained(rng, Column(f"v{number}", rng.choice(VALUE_TYPES))))
    if rng.random() < 0.35:
        columns.append(Column("u", rng.choice(("BIGINT", "VARCHAR")), "UNIQUE", role="unique"))
    if rng.random() < 0.15:
        columns.append(Column("w", "BIGINT", role="unique"))
        extra.append("CREATE UNIQUE INDEX {n}_w ON {t} (w)")
    if rng.random() < 0.3:
        columns.append(Column("q", "BIGINT", "DEFAULT nextval('main.numbers')", role="volatile"))
    if rng.random() < 0.25:
        columns.append(Column("c", "TIMESTAMPTZ", "DEFAULT now()", role="volatile"))
    if rng.random() < 0.15:
        columns.append(Column("r", "DOUBLE", "DEFAULT random()", role="volatile"))
    if rng.random() < 0.2:
        columns.append(Column("p", "BIGINT", "REFERENCES {s}.parents (id)", role="parent"))
    if rng.random() < 0.1 and form == "primary" and key_type == "BIGINT" and not apart:
        columns.append(Column("boss", "BIGINT", f"REFERENCES {{s}}.{name} (id)", role="parent"))
    if rng.random() < 0.2:
        columns.append(Column("g", "BIGINT", "GENERATED ALWAYS AS (n * 2) VIRTUAL", role="generated"))
    if rng.random() < 0.25:
        extra.append("CREATE INDEX {n}_n ON {t} (n)")
    schemas = SCHEMAS if rng.random() < 0.4 else ("main",)
    return Table(name, schemas, columns, key, declared_key, extra, only_inserts=rng.random() < 0.15)
