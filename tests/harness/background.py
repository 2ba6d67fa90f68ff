"""One statement in a process of its own, while the test does something else."""

from harness.paths import PYTHON
from harness.process import Child

# A query that ends within no test, whatever the planner thinks of it.
ENDLESS = (
    "select count(*) from generate_series(1, 1000000) a(x), generate_series(1, 1000000) b(y) where (x * y) % 7919 = 7"
)

_STATEMENT = """
import sys, psycopg
connection = psycopg.connect(sys.argv[1], autocommit=True)
print("go", flush=True)
try:
    for _ in range(int(sys.argv[3])):
        connection.execute(sys.argv[2])
    print("done", flush=True)
except psycopg.Error as error:
    print("failed", error.sqlstate, flush=True)
"""


def start_statement(place, conninfo, sql, times=1):
    """Returns when the client has connected and is about to send; it prints done, or failed and the SQLSTATE."""
    child = Child([PYTHON, "-c", _STATEMENT, conninfo, sql, str(times)], env=place.environment())
    child.wait_line(lambda line: line == "go")
    return child


def outcome(child, timeout=60):
    """What the statement came to: "done" or "failed 57014"."""
    assert child.wait(timeout) == 0, child.lines("err")
    return child.lines()[-1]
