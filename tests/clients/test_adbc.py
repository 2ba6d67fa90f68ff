"""ADBC's PostgreSQL driver, polars, pandas: tests/clients/python/adbc_checks.py."""

import pytest

from harness.clients import client_checks, outcomes
from harness.paths import CLIENTS, PYTHON

pytestmark = pytest.mark.merganser_only


@pytest.fixture(scope="module")
def results(client_server):
    return outcomes([PYTHON, CLIENTS / "python" / "adbc_checks.py"], client_server)


test_adbc = client_checks(
    "ADBC 1.13 (Arrow), polars 2.1, pandas 3.1",
    {
        "password": "TCP with a password",
        "tls": "TLS, `sslmode=verify-full`",
        "types": "numbers, text, dates and times, bytea, lists, NULL, as Arrow",
        "parameters": "parameters",
        "large_results": "200,000 rows",
        "ingest": "`adbc_ingest` (COPY FROM STDIN, binary)",
        "transactions": "rollback",
        "errors": "errors say what is wrong",
        "tables": "the schema of a table",
        "polars_read": "`polars.read_database_uri`",
        "polars_write": "`DataFrame.write_database`",
        "pandas_read": "`pandas.read_sql`",
    },
    failing={
        "tables": "a parameter cast to regclass takes numbers only",
    },
)
