"""Plain DuckDB in a process of its own: what is in the file when no owner is in between."""

import json

from harness.paths import PYTHON
from harness.process import Child, run

_QUERY = """
import json, sys, duckdb
path, sqls, read_only = json.loads(sys.argv[1])
try:
    connection = duckdb.connect(path, read_only=read_only)
    rows = []
    for sql in sqls:
        rows = connection.execute(sql).fetchall()
    print(json.dumps({"rows": rows}, default=str))
except duckdb.Error as error:
    print(json.dumps({"error": str(error)}))
"""

_HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("CREATE TABLE IF NOT EXISTS held(i INTEGER)")
print("held", flush=True)
sys.stdin.read()
"""


class PlainError(Exception):
    pass


def plain_duckdb(file, *sqls, read_only=False, timeout=120):
    """Runs the statements and returns the last one's rows as tuples; values that JSON lacks come as text."""
    done = run([PYTHON, "-c", _QUERY, json.dumps([str(file), list(sqls), read_only])], timeout=timeout)
    assert done.code == 0, done
    answer = json.loads(done.out)
    if "error" in answer:
        raise PlainError(answer["error"])
    return [tuple(row) for row in answer["rows"]]


def hold_file(file):
    """A foreign process that keeps the file open until it is killed or its standard input ends."""
    child = Child([PYTHON, "-c", _HOLD, str(file)], stdin=True)
    child.wait_line(lambda line: line == "held")
    return child
