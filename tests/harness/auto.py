"""Owners that start by themselves: `merganser url FILE` and its sisters, and their end when the test is over."""

import json
from pathlib import Path

import psycopg

from harness.paths import PROGRAM, Place
from harness.process import kill_pid, pid_alive, run, wait_until


class Auto:
    """The command line on the files of one place. close() leaves no owner behind."""

    def __init__(self, place: Place):
        self.place = place
        self.file = place.file()
        self.used = set()

    def cli(self, *arguments, input=None, timeout=60, env=None, user=None):
        return run(
            [PROGRAM, *arguments], env=self.place.environment(**(env or {})), input=input, timeout=timeout, user=user
        )

    def url(self, file=None, *flags, env=None):
        file = Path(file or self.file)
        self.used.add(file)
        done = self.cli("url", file, *flags, env=env)
        assert done.code == 0, done
        assert done.out.count("\n") == 1, done
        return done.out.strip()

    def connect(self, file=None, autocommit=True):
        return psycopg.connect(self.url(file), autocommit=autocommit, connect_timeout=20)

    def status(self, file=None):
        done = self.cli("status", file or self.file, "--json")
        assert done.code == 0, done
        return json.loads(done.out)

    def pid(self, file=None):
        return self.status(file)["pid"]

    def stop(self, file=None, *flags):
        return self.cli("stop", file or self.file, *flags)

    def endpoint(self, file=None):
        return Path(f"{file or self.file}.endpoint")

    def endpoint_pid(self, file=None):
        """The pid that the endpoint file names, None without one: for what must work when nobody answers."""
        try:
            return json.loads(self.endpoint(file).read_text())["pid"]
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def kill_owner(self, file=None):
        pid = self.endpoint_pid(file)
        assert pid, "no endpoint file names an owner"
        kill_pid(pid)
        wait_until(lambda: not pid_alive(pid), f"pid {pid} is gone")
        return pid

    def close(self):
        for file in self.used:
            pid = self.endpoint_pid(file)
            if pid is None or not pid_alive(pid):
                continue
            done = self.stop(file)
            if done.code != 0 or pid_alive(pid):
                kill_pid(pid)
                raise AssertionError(f"owner {pid} of {file} did not stop: {done}")
