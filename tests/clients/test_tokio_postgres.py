"""tokio-postgres, Rust: tests/clients/rust."""

import pytest

from harness.clients import BUILD, build, client_checks, outcomes, require_tool
from harness.paths import CLIENTS

pytestmark = [pytest.mark.merganser_only, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def results(client_server):
    target = BUILD / "rust-target"
    build([require_tool("cargo"), "build", "--locked", "--target-dir", target], cwd=CLIENTS / "rust")
    return outcomes([target / "debug" / "checks"], client_server)


test_tokio_postgres = client_checks(
    "tokio-postgres 0.7 (Rust)",
    {
        "password": "TCP with a password",
        "wrong_password": "a wrong password is 28P01",
        "unix_socket": "the Unix socket",
        "types": "numbers, text, dates and times, uuid, bytea, NULL, as binary",
        "arrays": "arrays as parameters and results, `= ANY($1)`",
        "prepared": "prepared statements, several in a pipeline",
        "transactions": "commit, rollback, read-only transactions",
        "savepoints": "nested transactions (savepoints)",
        "portals": "portals with row limits",
        "errors": "SQLSTATEs in both protocols",
        "cancel": "cancel",
        "copy_in": "COPY FROM STDIN",
        "listen": "LISTEN and NOTIFY",
    },
)
