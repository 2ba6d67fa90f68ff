"""The processes of the demo: starts them, follows their JSON lines, keeps what they said last."""

import json
import os
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
# After a process' own deadline: for a slow machine to finish what it had begun.
GRACE_S = 60


@dataclass
class Process:
    name: str
    language: str
    command: list
    acks: Path
    counts: dict = field(default_factory=lambda: dict(rows=0, updates=0, reads=0, errors=0))
    result: dict | None = None
    stderr: str = ""
    handle: subprocess.Popen | None = None
    thread: threading.Thread | None = None

    def start(self, environment):
        self.handle = subprocess.Popen(
            [str(word) for word in self.command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.thread = threading.Thread(target=self._follow, daemon=True)
        self.thread.start()

    def _follow(self):
        # A process writes little to standard error: one broken line at its end, never more than a pipe holds.
        for line in self.handle.stdout:
            try:
                said = json.loads(line)
            except json.JSONDecodeError:
                continue
            self.counts.update({name: said[name] for name in self.counts if name in said})
            if said.get("end"):
                self.result = said
        self.stderr = self.handle.stderr.read()

    def wait(self, timeout):
        """Ends it by force when it does not end by itself."""
        self.thread.join(timeout)
        if self.thread.is_alive():
            self.handle.kill()
            self.thread.join()
            self.stderr += "\ndid not end in time and was stopped"
        self.handle.wait()

    @property
    def problem(self):
        """What went wrong with the process as a whole; None when it ended well."""
        if self.handle.returncode == 0 and self.result is not None:
            return None
        lines = self.stderr.strip().splitlines()
        return lines[-1] if lines else f"ended with code {self.handle.returncode}"


def environment(repo):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG") and name != "DATABASE_URL"}
    kept["NODE_PATH"] = str(repo / "tests" / "clients" / "node_modules")
    kept["PYTHONUNBUFFERED"] = "1"
    return kept


def make(options, python, libpq_writer, folder, flights):
    """Four that write and two that only read. The flights are shared out by how fast each way of writing is."""

    def common(name, first=1, last=flights):
        acks = folder / f"{name}.acks"
        return acks, [
            *("--merganser", options.merganser, "--file", options.file, "--acks", acks, "--data", options.data),
            *("--first", first, "--last", last, "--seconds", options.seconds),
        ]

    shares = [0, int(flights * 0.2), int(flights * 0.85), flights]
    made = []
    acks, words = common("psql")
    made.append(Process("psql", "SQL", [python, HERE / "psql_writer.py", *words], acks))
    acks, words = common("libpq", shares[0] + 1, shares[1])
    schema = ["--schema", HERE / "schema.sql"]
    made.append(Process("libpq", "C++", [libpq_writer, *words, *schema], acks))
    acks, words = common("psycopg", shares[1] + 1, shares[2])
    made.append(Process("psycopg", "Python", [python, HERE / "psycopg_writer.py", *words], acks))
    acks, words = common("node-postgres", shares[2] + 1, shares[3])
    made.append(Process("node-postgres", "JavaScript", ["node", HERE / "node_writer.js", *words], acks))
    acks, words = common("psycopg-reads")
    made.append(Process("psycopg, reads", "Python", [python, HERE / "psycopg_reader.py", *words], acks))
    acks, words = common("psql-reads")
    made.append(Process("psql, reads", "SQL", [python, HERE / "psql_reader.py", *words], acks))
    return made
