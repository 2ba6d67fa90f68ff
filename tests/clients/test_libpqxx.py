"""libpqxx, C++: tests/clients/cpp."""

import pytest

from harness.clients import BUILD, build, client_checks, outcomes, require_tool
from harness.paths import CLIENTS

pytestmark = pytest.mark.merganser_only


@pytest.fixture(scope="module")
def results(client_server):
    program = BUILD / "pqxx-checks"
    source = CLIENTS / "cpp" / "checks.cc"
    build([require_tool("g++"), "-std=c++17", "-o", program, source, "-lpqxx", "-lpq"], cwd=CLIENTS / "cpp")
    return outcomes([program], client_server)


test_libpqxx = client_checks(
    "libpqxx 6.4 (C++)",
    {
        "password": "TCP with a password",
        "tls": "TLS, `sslmode=verify-full`, channel binding required",
        "wrong_password": "a wrong password is refused",
        "types": "numbers, text, bytea, arrays, NULL",
        "prepared": "prepared statements",
        "transactions": "commit, rollback, read-only transactions",
        "savepoints": "subtransactions (savepoints)",
        "errors": "SQLSTATEs, `unique_violation`",
        "cursor": "stateless_cursor (DECLARE, MOVE, FETCH)",
        "pipeline": "pqxx::pipeline",
        "copy_in": "stream_to (COPY FROM STDIN)",
        "listen": "LISTEN and NOTIFY",
    },
)
