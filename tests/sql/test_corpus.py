"""Statements of PostgreSQL's, run against a real PostgreSQL 15 and against us: the same rows, tags and errors.

The files in corpus/ hold statements, each ended by a semicolon at a line's end. A comment before one says where we differ:

    -- differs: reason      the answers must differ, and docs/DIALECT.md must say that reason
    -- refused: reason      we refuse it with 0A000, PostgreSQL executes it; docs/DIALECT.md says so too

What PostgreSQL answers is asked anew in each run, so nobody can be wrong about it.
"""

import pathlib
import re

import psycopg
import pytest
from psycopg import pq

from harness.paths import REPO, Place
from harness.reference import ReferenceServer

CORPUS = sorted((pathlib.Path(__file__).parent / "corpus").glob("*.sql"))
DOCUMENTED = (REPO / "docs" / "DIALECT.md").read_text()
REMARK = re.compile(r"^-- (differs|refused): (.+)$")


def statements(path):
    """(line, text, remark, reason) of each."""
    text, remark, reason, start = [], None, None, 0
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = REMARK.match(line)
        if found:
            remark, reason = found[1], found[2]
        elif line.startswith("--") or (not text and not line.strip()):
            continue
        else:
            start = start if text else number
            text.append(line)
            if line.endswith(";"):
                yield start, "\n".join(text), remark, reason
                text, remark, reason = [], None, None
    assert not text, f"{path.name}: the last statement has no end"


@pytest.fixture(scope="module")
def postgres():
    place = Place()
    server = ReferenceServer(place)
    try:
        yield server
    finally:
        server.stop()
        place.remove()


def answer(connection, sql):
    """Rows as texts, the tag, or the SQLSTATE."""
    result = connection.pgconn.exec_(sql.encode())
    if result.status == pq.ExecStatus.FATAL_ERROR:
        return ("error", result.error_field(pq.DiagnosticField.SQLSTATE).decode())
    tag = result.command_status.decode()
    rows = [
        tuple(None if (v := result.get_value(r, c)) is None else v.decode() for c in range(result.nfields))
        for r in range(result.ntuples)
    ]
    return ("rows", rows) if result.status == pq.ExecStatus.TUPLES_OK else ("tag", tag)


@pytest.mark.parametrize("path", CORPUS, ids=[path.stem for path in CORPUS])
def test_as_postgresql_answers(postgres, fresh_server, path):
    wrong = []
    with psycopg.connect(postgres.conninfo(), autocommit=True) as theirs:
        with fresh_server.connect(autocommit=True) as ours:
            for connection in (theirs, ours):
                connection.execute("set timezone = 'UTC'")
            for line, sql, remark, reason in statements(path):
                expected, got = answer(theirs, sql), answer(ours, sql)
                if remark is None and expected != got:
                    wrong.append(f"{path.name}:{line}: {sql}\n    PostgreSQL {expected}\n    Merganser  {got}")
                if remark == "differs" and expected == got:
                    wrong.append(f"{path.name}:{line}: no longer differs: {sql}")
                if remark == "refused" and (got != ("error", "0A000") or expected[0] == "error"):
                    wrong.append(f"{path.name}:{line}: not refused: {sql}\n    PostgreSQL {expected}\n    Merganser {got}")
                if reason is not None and reason not in DOCUMENTED:
                    wrong.append(f"{path.name}:{line}: docs/DIALECT.md does not say: {reason}")
    assert not wrong, f"{len(wrong)} statements:\n" + "\n".join(wrong)
