"""pgx and database/sql, Go: tests/clients/go."""

import pytest

from harness.clients import BUILD, build, client_checks, outcomes, require_tool
from harness.paths import CLIENTS

pytestmark = pytest.mark.merganser_only


@pytest.fixture(scope="module")
def results(client_server):
    program = BUILD / "go-checks"
    build([require_tool("go"), "build", "-o", program, "."], cwd=CLIENTS / "go")
    return outcomes([program], client_server)


test_pgx = client_checks(
    "pgx 5.5 (Go)",
    {
        "password": "TCP with a password",
        "tls": "TLS, `sslmode=verify-full`",
        "unix_socket": "the Unix socket",
        "wrong_password": "a wrong password is 28P01",
        "types": "numbers, text, dates and times, interval, uuid, bytea, JSON, NULL, as binary",
        "arrays": "arrays as parameters and results, `= ANY($1)`",
        "modes": "all modes of execution, from kept statements to the simple protocol",
        "cast_chains": "a parameter whose only cast stands inside another is described with its type",
        "batches": "batches of 2,000 statements; all or nothing",
        "transactions": "commit, rollback, isolation level and access mode",
        "savepoints": "nested transactions (savepoints)",
        "errors": "SQLSTATEs in both protocols",
        "cancel": "a context's deadline ends a query",
        "pool": "pgxpool",
        "database_sql": "database/sql",
        "copy_in": "CopyFrom (binary)",
        "copy_out": "COPY TO STDOUT",
        "listen": "LISTEN and NOTIFY",
    },
    failing={
        "cast_chains": "the parameter is described as text",
    },
)
