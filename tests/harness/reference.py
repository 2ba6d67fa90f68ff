"""PostgreSQL 15 in the owner's place, to check that the tests ask of Merganser what PostgreSQL does.

Chosen by MERGANSER_TEST_REFERENCE=postgres; tests marked merganser_only are skipped then.
"""

import os
import pwd
import shutil
import subprocess

import psycopg

from harness.paths import PG_BIN, USER, Place
from harness.process import rss_bytes, run
from harness.server import Server


class ReferenceServer(Server):
    backend = "postgres"

    def __init__(self, place: Place, *arguments, env=None, **_):
        self.place = place
        self.file = place.file()
        self.expected_errors = []
        self.socket_dir = place.path / "s"
        self.data = place.path / "data"
        account = pwd.getpwnam("postgres")
        os.chmod(place.path, 0o755)
        for folder in (self.socket_dir, self.data):
            folder.mkdir(mode=0o700)
            shutil.chown(folder, account.pw_uid, account.pw_gid)
        os.chmod(self.socket_dir, 0o755)
        self.account = account.pw_uid
        made = run(
            [PG_BIN / "initdb", "-D", self.data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"],
            user=self.account,
            cwd="/",
            env=place.environment(),
        )
        assert made.code == 0, made
        self._control("start", "-o", f"-k {self.socket_dir} -c listen_addresses= -c fsync=off")
        with psycopg.connect(self.conninfo(dbname="postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self.file.stem}")

    def _control(self, verb, *arguments):
        subprocess.run(
            [str(PG_BIN / "pg_ctl"), "-D", str(self.data), "-s", "-w", "-l", str(self.data / "log"), verb, *arguments],
            user=self.account,
            cwd="/",
            check=True,
            timeout=60,
        )

    @property
    def pid(self):
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def log(self):
        return (self.data / "log").read_text()

    def rss(self):
        return rss_bytes(self.pid)

    def stop(self, *_, **__):
        self._control("stop", "-m", "fast")
