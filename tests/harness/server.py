"""One owner in the foreground: `merganser serve FILE`, with its private socket folder."""

import json
import signal

import psycopg
from psycopg import pq

from harness.paths import PROGRAM, USER, Place, require_program
from harness.process import Child, rss_bytes, run, wait_until

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 30


class Server:
    """Started by the constructor, answering when it returns. stop() asserts a clean end and a log without errors."""

    backend = "merganser"
    started = []  # every one of this test run, for kill_all

    def __init__(self, place: Place, *arguments, file=None, env=None, user=None, wrapper=()):
        require_program()
        self.place = place
        self.file = file or place.file()
        self.socket_dir = place.path / "s"
        self.expected_errors = []
        self.expected_codes = {0, -signal.SIGKILL}
        command = [*wrapper, PROGRAM, "serve", self.file, "--socket-dir", self.socket_dir, *arguments]
        self.child = Child(command, env=place.environment(**(env or {})), user=user)
        Server.started.append(self)
        try:
            wait_until(self._answers, f"{command} answers", START_TIMEOUT_S)
        except BaseException:
            self.child.kill()
            raise

    def _answers(self):
        assert self.child.alive, "the owner ended while starting:\n" + self.log()
        return pq.PGconn.ping(self.conninfo().encode()) == pq.Ping.OK

    @property
    def pid(self):
        return self.child.pid

    @property
    def socket_path(self):
        return self.socket_dir / ".s.PGSQL.5432"

    def conninfo(self, **more):
        words = dict(host=self.socket_dir, port=5432, dbname=self.file.stem, user=USER, connect_timeout=20)
        words.update(more)
        return " ".join(f"{k}='{v}'" for k, v in words.items())

    def url(self, **more):
        """The same as a URI with a query, as SQLAlchemy, asyncpg and node-postgres like it."""
        return f"postgresql://{USER}@/{self.file.stem}?host={self.socket_dir}&port=5432"

    def environment(self, **more):
        words = dict(PGHOST=self.socket_dir, PGPORT=5432, PGDATABASE=self.file.stem, PGUSER=USER, PGCONNECT_TIMEOUT=20)
        return self.place.environment(**{**words, **more})

    def connect(self, autocommit=True, **more):
        kwargs = {k: more.pop(k) for k in ("row_factory", "cursor_factory", "prepare_threshold") if k in more}
        return psycopg.connect(self.conninfo(**more), autocommit=autocommit, **kwargs)

    def log(self):
        return "\n".join(self.child.lines("err") + self.child.lines("out"))

    def status(self):
        """What `merganser status FILE --json` says."""
        done = run([PROGRAM, "status", self.file, "--json"], env=self.place.environment())
        assert done.code == 0, done
        return json.loads(done.out)

    def rss(self):
        return rss_bytes(self.pid)

    def kill(self):
        self.child.kill()

    @classmethod
    def kill_all(cls):
        for server in cls.started:
            server.kill()

    def stop(self, number=signal.SIGTERM, timeout=STOP_TIMEOUT_S):
        """Ends it as an administrator would. Idempotent after a kill."""
        if self.child.alive:
            self.child.signal(number)
            code = self.child.wait(timeout)
            assert code == 0, f"exit code {code}\n{self.log()}"
        elif self.child.process.returncode not in self.expected_codes:
            raise AssertionError(f"the owner had ended with {self.child.process.returncode}\n{self.log()}")
        self.check_log()

    def check_log(self):
        bad = [
            line
            for line in self.log().splitlines()
            if ("level=error" in line or "Sanitizer" in line or "terminate called" in line)
            and not any(expected in line for expected in self.expected_errors)
        ]
        assert not bad, "the owner logged errors:\n" + "\n".join(bad)
