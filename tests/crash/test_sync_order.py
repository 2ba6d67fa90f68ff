"""What is synced before a client hears of success: the log at each commit, its folder when the log is new."""

import shutil
import subprocess

import pytest

from harness.paths import TESTS

pytestmark = pytest.mark.merganser_only


@pytest.fixture(scope="session")
def log_fsync(tmp_path_factory):
    library = tmp_path_factory.mktemp("shim") / "log_fsync.so"
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler, "no C compiler"
    source = TESTS / "harness" / "log_fsync.c"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True, timeout=60)
    return library


class Synced:
    """The files that were synced since the last look, in order."""

    def __init__(self, path):
        self.path = path
        self.seen = 0

    def since(self):
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        new, self.seen = lines[self.seen :], len(lines)
        return new


@pytest.fixture
def watched(start_server, place, log_fsync):
    log = place.path / "synced"
    server = start_server(env={"LD_PRELOAD": log_fsync, "LOG_FSYNC": log})
    return server, Synced(log)


def test_each_acknowledged_write_is_synced(watched):
    server, synced = watched
    wal = f"{server.file}.wal"
    with server.connect() as connection:
        connection.execute("create table t(i integer)")
        synced.since()
        for i in range(20):
            connection.execute("insert into t values (%s)", (i,))
            assert wal in synced.since(), f"write {i} was acknowledged without a sync"
        with connection.transaction():
            connection.execute("insert into t values (100)")
            assert synced.since() == [], "nothing is promised yet"
        assert wal in synced.since()
        connection.execute("select count(*) from t").fetchone()
        assert synced.since() == [], "a read syncs nothing"


def test_the_folder_is_synced_when_the_log_is_new(watched):
    """Else the log's name could be gone after a power cut, and with it every commit since the checkpoint."""
    server, synced = watched
    wal, folder = f"{server.file}.wal", str(server.file.parent)
    with server.connect() as connection:
        synced.since()
        connection.execute("create table t(i integer)")
        first = synced.since()
        assert wal in first and folder in first[first.index(wal) :], first
        connection.execute("insert into t values (1)")
        assert folder not in synced.since(), "once is enough"
        connection.execute("checkpoint")
        assert folder in synced.since()
        connection.execute("insert into t values (2)")
        again = synced.since()
        assert wal in again and folder in again[again.index(wal) :], again
