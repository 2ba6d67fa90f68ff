"""DuckDB's postgres extension attaches the server: tests/clients/python/duckdb_attach.py."""

from importlib.metadata import files

import pytest

from harness.clients import client_checks, outcomes
from harness.paths import CLIENTS, PYTHON

pytestmark = pytest.mark.merganser_only


CTID = "rows have no ctid"


def extension():
    """The signed extension inside its wheel."""
    found = [f for f in files("duckdb-extension-postgres-scanner") if f.suffix == ".duckdb_extension"]
    return found[0].locate()


@pytest.fixture(scope="module")
def results(client_server):
    return outcomes([PYTHON, CLIENTS / "python" / "duckdb_attach.py", extension()], client_server)


test_duckdb_postgres = client_checks(
    "DuckDB 1.5.5, extension postgres",
    {
        "attach": "ATTACH over the Unix socket",
        "attach_with_tls": "ATTACH over TLS",
        "tables": "tables and their types",
        "query_function": "`postgres_query`, `postgres_execute`",
        "read_without_ctid": "reading tables, with `SET pg_use_ctid_scan = false`",
        "pushdown": "filters and projections pushed down, joins with local tables",
        "read": "reading tables as the extension does by default, by ranges of ctid",
        "create_and_insert": "CREATE TABLE AS, INSERT (COPY FROM STDIN)",
        "transactions": "ROLLBACK takes inserts back",
        "update_and_delete": "UPDATE, DELETE (by ctid)",
        "errors": "errors say what is wrong",
    },
    failing={
        "read": CTID,
        "update_and_delete": CTID,
    },
)
