"""psqlODBC through pyodbc: tests/clients/python/odbc_checks.py."""

from pathlib import Path

import pytest

from harness.clients import client_checks, outcomes
from harness.paths import CLIENTS, PYTHON

pytestmark = pytest.mark.merganser_only


@pytest.fixture(scope="module")
def results(client_server):
    drivers = sorted(Path("/usr/lib").glob("*/odbc/psqlodbcw.so"))
    assert drivers, "psqlODBC is not here: tools/bootstrap installs it"
    return outcomes([PYTHON, CLIENTS / "python" / "odbc_checks.py", drivers[0]], client_server)


test_psqlodbc = client_checks(
    "psqlODBC 13 (ODBC)",
    {
        "password": "TCP with a password",
        "tls": "TLS",
        "types": "numbers, text, dates and times, bytea, NULL",
        "parameters": "parameters",
        "many_rows": "20,000 rows",
        "fetch_in_pieces": "`UseDeclareFetch` (DECLARE, FETCH)",
        "executemany": "many rows in a transaction",
        "transactions": "commit, rollback",
        "errors": "SQLSTATEs",
        "error_inside_a_transaction": "errors inside a transaction (`Protocol=7.4-2`, savepoints)",
        "bytea_in_hexadecimal": "bytea literals in PostgreSQL's hexadecimal form",
        "catalog": "SQLTables, SQLColumns",
        "primary_keys": "SQLPrimaryKeys",
        "cancel": "cancel",
    },
)
