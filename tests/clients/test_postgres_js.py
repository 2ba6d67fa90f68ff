"""postgres.js: tests/clients/pg_postgresjs.cjs."""

import pytest

from harness.clients import client_checks, outcomes, require_tool
from harness.paths import CLIENTS

pytestmark = pytest.mark.merganser_only


@pytest.fixture(scope="module")
def results(client_server):
    assert (CLIENTS / "node_modules" / "postgres").is_dir(), "npm ci in tests/clients first"
    return outcomes([require_tool("node"), CLIENTS / "pg_postgresjs.cjs"], client_server)


test_postgres_js = client_checks(
    "postgres.js 3.4 (Node)",
    {
        "password": "TCP with a password",
        "tls": "TLS with a verified certificate",
        "wrong_password": "a wrong password is 28P01",
        "types": "numbers, text, dates, bytea, NULL",
        "arrays": "arrays as parameters and results, `= ANY`",
        "inserts": "inserts of many rows with RETURNING; duplicates are 23505",
        "transactions": "`sql.begin`",
        "savepoints": "`savepoint`",
        "cursor": "cursors",
        "cancel": "cancel",
        "copy_out": "COPY TO STDOUT as a stream",
        "copy_in": "COPY FROM STDIN as a stream",
        "listen": "listen and notify",
    },
)
