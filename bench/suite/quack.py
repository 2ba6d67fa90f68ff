"""Quack, DuckDB's own client-server protocol: its extension from PyPI, pinned by hash, on the libduckdb that we use."""

import json
import secrets
import socket
import subprocess
import sys
import zipfile

from . import processes
from .processes import Failure

EXTENSIONS = ("httpfs", "quack")  # in the order in which they are loaded: the second needs the first


def fetch(root):
    """The extensions' files; downloaded once."""
    folder = root / "build" / "quack"
    files = [folder / f"{name}.duckdb_extension" for name in EXTENSIONS]
    if all(path.exists() for path in files):
        return files
    lock = root / "bench" / "requirements.lock"
    download = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q", "--no-deps", "--only-binary", ":all:"]
    processes.run([*download, "--require-hashes", "-r", lock, "-d", folder])
    for name, path in zip(EXTENSIONS, files, strict=True):
        (wheel,) = folder.glob(f"duckdb_extension_{name}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (member,) = [m for m in archive.namelist() if m.endswith(f"/{name}.duckdb_extension")]
            partial = path.with_suffix(".partial")
            partial.write_bytes(archive.read(member))
            partial.rename(path)
    return files


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Quack:
    """A server of its own on a file of its own, on TCP: Quack knows no Unix sockets."""

    name = "Quack"
    fsync = "on"

    def __init__(self, program, extensions, file):
        self.program, self.extensions, self.file = program, extensions, file
        self.token = secrets.token_hex(16)
        self.process = None
        self.acknowledged = self.failed = 0

    def start(self):
        self.port = free_port()
        self.process = subprocess.Popen(
            [str(w) for w in (self.program, "serve", self.file, self.port, self.token, *self.extensions)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True, env=processes.clean_environment(),
        )  # fmt: skip
        if not self.process.stdout.readline():
            self.process.wait()
            self.process = None
            raise Failure("Quack's server did not start")

    def insert(self, clients, seconds):
        words = [self.program, "insert", self.port, self.token, "--clients", clients, "--seconds", seconds, *self.extensions]
        answer = json.loads(processes.run(words))
        self.acknowledged += answer["operations"]
        self.failed += answer["failed"]
        return answer["tps"]

    def check(self):
        """Ends the server, which then says what it has: all that was acknowledged, and maybe what failed."""
        self.process.stdin.close()
        found = json.loads(self.process.stdout.readline())["rows"]
        self.stop()
        if not self.acknowledged <= found <= self.acknowledged + self.failed:
            raise Failure(f"Quack acknowledged {self.acknowledged} rows, {self.failed} failed, and it has {found}")

    def stop(self):
        if self.process is not None:
            processes.stop(self.process, self.name)
            self.process.stdout.close()
            self.process = None
