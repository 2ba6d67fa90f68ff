"""Who is measured: PostgreSQL, Merganser, the server that does nothing, and DuckDB inside a process.

All servers of a run stand side by side on the same disk and are asked in turn over Unix sockets.
"""

import json
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg

from . import processes
from .processes import Failure

# What a careful administrator would set on a machine of a few GiB; durability stays at its defaults, which are on.
POSTGRES_SETTINGS = {
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "1100",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "autovacuum": "off",  # it would run in one round and not in another
    "listen_addresses": "",
}


class Server:
    """Something that libpq connects to: host is the directory of a Unix socket."""

    name = ""
    user = pwd.getpwuid(os.getuid()).pw_name
    database = "bench"
    port = 5432
    fsync = "on"

    def __init__(self, socket_dir):
        self.socket_dir = Path(socket_dir)
        self.process = None

    @property
    def dsn(self):
        return f"host={self.socket_dir} port={self.port} user={self.user} dbname={self.database}"

    @property
    def libpq_arguments(self):
        return ["-h", self.socket_dir, "-p", self.port, "-U", self.user]

    def connect(self):
        return psycopg.connect(self.dsn, autocommit=True)

    def answers(self):
        try:
            with self.connect() as connection:
                connection.execute("select 1")
            return True
        except psycopg.Error:
            return False

    def run_sql(self, *statements):
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    def value(self, statement):
        with self.connect() as connection:
            return connection.execute(statement).fetchone()[0]

    def start_process(self, command, **options):
        log = self.socket_dir / "log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=processes.clean_environment(),
                start_new_session=True,  # an interrupt from the terminal is for the benchmark, which then stops all
                **options,
            )
        try:
            processes.wait_until(self.answers, self.name, self.process)
        except Failure as failure:
            lines = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
            raise Failure(f"{failure}\n{lines}") from None

    def stop(self):
        if self.process is not None:
            processes.stop(self.process, self.name, self.stop_signal)
            self.process = None

    stop_signal = signal.SIGTERM


class Postgres(Server):
    name = "PostgreSQL"
    user = "postgres"
    database = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: does not wait for clients

    def __init__(self, programs, data_dir, socket_dir):
        super().__init__(socket_dir)
        self.programs, self.data_dir = Path(programs), Path(data_dir)

    @property
    def version(self):
        return processes.run([self.programs / "postgres", "--version"]).partition(")")[2].strip()

    @property
    def settings_text(self):
        return ", ".join(f"{name}={value}" for name, value in POSTGRES_SETTINGS.items() if value)

    def start(self):
        # PostgreSQL does not run as root.
        as_user = {}
        self.data_dir.mkdir()
        if os.getuid() == 0:
            account = pwd.getpwnam("postgres")
            as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            for folder in (self.data_dir, self.socket_dir):
                os.chown(folder, account.pw_uid, account.pw_gid)
        try:
            processes.run(
                [self.programs / "initdb", "-D", self.data_dir, "-U", self.user, "-A", "trust", "--locale=C.UTF-8"],
                cwd="/",
                **as_user,
            )
        except (Failure, PermissionError) as failure:
            raise Failure(f"{failure}\ncan the user postgres reach {self.data_dir}? --dir names another") from None
        settings = [word for name, value in POSTGRES_SETTINGS.items() for word in ("-c", f"{name}={value}")]
        self.start_process(
            [self.programs / "postgres", "-D", self.data_dir, "-k", self.socket_dir, *settings], cwd="/", **as_user
        )
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            if self.value(f"SHOW {setting}") != "on":
                raise Failure(f"PostgreSQL's {setting} is not on: it would not be durable")


class Merganser(Server):
    name = "merganser"

    def __init__(self, program, file, socket_dir, settings=()):
        super().__init__(socket_dir)
        self.program, self.file, self.settings = program, Path(file), settings
        self.database = self.file.stem

    def start(self):
        self.start_process([self.program, "serve", self.file, "--socket-dir", self.socket_dir, *self.settings])


class NullServer(Server):
    name = "null server"
    fsync = "none"

    def __init__(self, program, socket_dir):
        super().__init__(socket_dir)
        self.program = program

    def start(self):
        self.start_process([self.program, "--socket-dir", self.socket_dir])


class InProcess:
    """DuckDB inside a process that does nothing else, on a file of its own."""

    name = "in process"
    fsync = "on"

    def __init__(self, program, file):
        self.program, self.file = program, Path(file)

    @property
    def version(self):
        return processes.run([self.program, "--version"]).strip()

    def measure(self, verb, **options):
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return json.loads(processes.run([self.program, verb, self.file, *words]))

    def run_sql(self, *statements):
        with self.session() as session:
            for statement in statements:
                session.query(statement)

    def session(self):
        return InProcessSession(self.program, self.file)


class InProcessSession:
    """One process that keeps the file open and answers line by line how long each statement took."""

    def __init__(self, program, file):
        self.process = subprocess.Popen(
            [str(program), "sql", str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def query(self, sql):
        """Rows and milliseconds."""
        self.process.stdin.write(" ".join(sql.split()) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"the process with DuckDB inside ended at: {sql}")
        answer = json.loads(line)
        return answer["rows"], answer["ms"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
