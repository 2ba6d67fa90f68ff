"""psql as a user runs it, without the user's psqlrc."""

from harness.paths import PG_BIN
from harness.process import run


def psql(server, *arguments, input=None, timeout=60, **environment):
    program = PG_BIN / "psql"
    return run([program, "-X", *arguments], env=server.environment(**environment), input=input, timeout=timeout)


def psql_rows(server, sql):
    """The rows of one query as lists of text."""
    done = psql(server, "-At", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", sql)
    assert done.code == 0, done
    return [line.split("\t") for line in done.out.splitlines()]
