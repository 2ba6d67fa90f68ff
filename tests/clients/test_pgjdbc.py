"""pgjdbc, Java's driver for PostgreSQL: tests/clients/java."""

import pytest

from harness.clients import BUILD, build, client_checks, outcomes, require_tool
from harness.paths import CLIENTS

pytestmark = pytest.mark.merganser_only

DRIVER = "postgresql-42.7.8.jar"


@pytest.fixture(scope="module")
def results(client_server):
    java, compiler = require_tool("java"), require_tool("javac")
    driver = CLIENTS / "java" / "lib" / DRIVER
    assert driver.is_file(), f"{driver} is not there: tools/bootstrap fetches it"
    build([compiler, "-d", BUILD / "java", "-cp", driver, CLIENTS / "java" / "Checks.java"], cwd=CLIENTS / "java")
    return outcomes([java, "-cp", f"{BUILD / 'java'}:{driver}", "Checks"], client_server)


test_pgjdbc = client_checks(
    "pgjdbc 42.7.8 (Java)",
    {
        "password": "TCP with a password",
        "tls": "TLS, `sslmode=verify-full`",
        "channel_binding": "SCRAM with channel binding required",
        "wrong_password": "a wrong password is 28P01",
        "types": "numbers, text, dates and times, uuid, bytea, NULL, as text and (from the fifth execution on) binary",
        "arrays": "arrays as parameters and results",
        "batches": "batches; a duplicate in one undoes it",
        "rewritten_batches": "`reWriteBatchedInserts`",
        "simple_protocol": "`preferQueryMode=simple`",
        "fetch_size": "fetch size: rows in pieces, other statements in between",
        "errors": "SQLSTATEs; a failed transaction stays failed until ROLLBACK",
        "transactions": "commit, rollback, read-only transactions",
        "isolation": "isolation levels",
        "savepoints": "savepoints",
        "autosave": "`autosave=always`",
        "generated_keys": "generated keys of a bigserial column",
        "metadata": "DatabaseMetaData: tables, columns, keys; ResultSetMetaData",
        "cancel": "query timeout cancels",
        "copy_in": "CopyManager, in",
        "copy_out": "CopyManager, out",
        "listen": "LISTEN and NOTIFY",
    },
)
