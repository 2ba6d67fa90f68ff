"""The test bed of a run: folders, servers, rounds. Benchmarks get one and leave nothing behind in it."""

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

from . import machine, processes, quack
from .contestants import InProcess, Merganser, NullServer, Postgres, remove


class Bed:
    def __init__(self, root, options):
        self.quick, self.rounds = options.quick, options.rounds
        self.postgres_programs = Path(options.postgres)
        self.root = root
        if not (self.postgres_programs / "pgbench").exists():
            raise processes.Failure(f"no PostgreSQL in {self.postgres_programs}: --postgres names its programs")
        parent = Path(options.dir or root / "build")
        self.folder = Path(tempfile.mkdtemp(prefix="bench-", dir=parent)).resolve()
        self.folder.chmod(0o755)  # the user postgres has its own folder in it
        # Names of sockets are limited to 107 bytes.
        self.sockets = Path(tempfile.mkdtemp(prefix="mrg-bench-"))
        self.sockets.chmod(0o755)
        self.count = 0
        build = Path(options.build or root / "build" / "release")
        self.stack = contextlib.ExitStack()
        self.stack.callback(remove, self.folder)
        self.stack.callback(remove, self.sockets)
        try:
            self.merganser_program = self.copied(build / "merganser")
            self.null_program = self.copied(build / "bench" / "null_server")
            self.inprocess_program = self.copied(build / "bench" / "inprocess")
            self.quack_program = self.copied(build / "bench" / "quack")
            self.pipeline_program = self.copied(build / "bench" / "pipeline_client")
            self.postgres = Postgres(self.postgres_programs, self.folder / "postgres", self.socket_dir())
            self.started(self.postgres)
            self.null = NullServer(self.null_program, self.socket_dir())
            self.started(self.null)
        except BaseException:
            self.close()
            raise

    def close(self):
        self.stack.close()

    def copied(self, program):
        """A build that goes on meanwhile must not change what is measured."""
        if not program.exists():
            raise processes.Failure(f"{program} is not there: build it with ./run build")
        return Path(shutil.copy2(program, self.folder / program.name))

    def started(self, server, stack=None):
        # Before start(): a server that comes up halfway has to be stopped too.
        (stack or self.stack).callback(server.stop)
        server.start()
        return server

    def socket_dir(self):
        self.count += 1
        path = self.sockets / str(self.count)
        path.mkdir()
        return path

    def file(self, name):
        return self.folder / name

    def inprocess(self, file):
        return InProcess(self.inprocess_program, file)

    @contextlib.contextmanager
    def merganser(self, file, settings=()):
        with contextlib.ExitStack() as stack:
            yield self.started(Merganser(self.merganser_program, file, self.socket_dir(), settings), stack)

    @contextlib.contextmanager
    def quack(self, file):
        with contextlib.ExitStack() as stack:
            yield self.started(quack.Quack(self.quack_program, quack.fetch(self.root), file), stack)

    @contextlib.contextmanager
    def working_files(self, *names):
        """Paths that are removed at the end, with everything that DuckDB writes beside them."""
        try:
            yield [self.file(name) for name in names]
        finally:
            for name in names:
                for path in self.folder.glob(f"{name}*"):
                    remove(path) if path.is_dir() else path.unlink()

    def facts(self):
        duckdb = self.inprocess(self.file("none")).version
        facts = machine.facts(self.root, self.folder, self.postgres.version, duckdb, self.merganser_program)
        facts["fsync"] = "on for PostgreSQL, Merganser and in-process DuckDB; the null server stores nothing"
        facts["settings"] = f"PostgreSQL {self.postgres.settings_text}; Merganser and DuckDB their defaults"
        return facts

    def in_rounds(self, table, measures):
        """Each measure once a round, so that all contestants share the machine's good and bad minutes; every other
        round runs backwards, so that none always follows the same neighbour."""
        for turn in range(self.rounds):
            for contestant, case, measure in measures if turn % 2 == 0 else list(reversed(measures)):
                say(f"{table.name}: round {turn + 1}/{self.rounds}: {contestant} {case}")
                table.add(contestant, case, measure())
        say("")


def say(text):
    """One line that overwrites itself; only for people."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
