"""Where things are, and the private folders that tests work in."""

import getpass
import os
import shutil
import sys
import tempfile
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
TESTS = REPO / "tests"
CLIENTS = TESTS / "clients"
PROGRAM = Path(os.environ.get("MERGANSER_BIN", REPO / "build" / "release" / "merganser")).resolve()
PG_BIN = Path(os.environ.get("PG_BIN", "/usr/lib/postgresql/15/bin"))
PYTHON = sys.executable
USER = getpass.getuser()


def require_program():
    assert PROGRAM.exists(), f"{PROGRAM} is not there: run ./run build, or set MERGANSER_BIN"
    return PROGRAM


class Place:
    """A folder of one test. Its path is short: a Unix socket's whole name has 107 bytes at most."""

    def __init__(self, parent="/tmp"):
        self.path = Path(tempfile.mkdtemp(prefix="mgt", dir=parent))
        self.runtime = self.path / "run"
        self.runtime.mkdir(mode=0o700)

    def file(self, name="t.duckdb"):
        return self.path / name

    def environment(self, **more):
        """The environment of every program that a test starts: nothing of the developer's own settings leaks in."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MERGANSER_", "PG")) and k != "DATABASE_URL"}
        kept.update(
            XDG_RUNTIME_DIR=str(self.runtime),
            XDG_CONFIG_HOME=str(self.path / "config"),
            XDG_STATE_HOME=str(self.path / "state"),
            HOME=str(self.path),
            LC_ALL="C.UTF-8",
        )
        kept.update({k: str(v) for k, v in more.items()})
        return kept

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)
