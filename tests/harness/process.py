"""Programs as separate processes: everything ends by itself, everything is ended by its own pid."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    def __str__(self):
        return f"exit code {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


def run(arguments, *, env=None, input=None, timeout=60, cwd=None, user=None):
    """Runs a program to its end. A program that outlives `timeout` is killed and fails the test."""
    done = subprocess.run(
        [str(a) for a in arguments],
        env=env,
        input=input,
        capture_output=True,
        timeout=timeout,
        cwd=cwd,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL if input is None else None,
        user=user,
        group=user,
        extra_groups=[] if user is not None else None,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


class Child:
    """A program in the background. Its output is drained by threads, so that it never blocks on a full pipe."""

    def __init__(self, arguments, *, env=None, cwd=None, user=None, stdin=False):
        self.process = subprocess.Popen(
            [str(a) for a in arguments],
            env=env,
            cwd=cwd,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            user=user,
            group=user,
            extra_groups=[] if user is not None else None,
        )
        self._lines = {"out": [], "err": []}
        self._changed = threading.Condition()
        self._drains = [
            threading.Thread(target=self._drain, args=(self.process.stdout, "out"), daemon=True),
            threading.Thread(target=self._drain, args=(self.process.stderr, "err"), daemon=True),
        ]
        for drain in self._drains:
            drain.start()

    def _drain(self, stream, name):
        for line in stream:
            with self._changed:
                self._lines[name].append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def pid(self):
        return self.process.pid

    @property
    def alive(self):
        return self.process.poll() is None

    def lines(self, name="out"):
        with self._changed:
            return list(self._lines[name])

    def wait_line(self, predicate, name="out", timeout=30):
        """The first line that answers True, waiting for it; fails when the program ends or the time is over."""
        deadline = time.monotonic() + timeout
        seen = 0
        with self._changed:
            while True:
                lines = self._lines[name]
                while seen < len(lines):
                    if predicate(lines[seen]):
                        return lines[seen]
                    seen += 1
                left = deadline - time.monotonic()
                assert left > 0, f"no such line in {timeout} s:\n" + "\n".join(self._lines["out"] + self._lines["err"])
                ended = not self.alive and not any(d.is_alive() for d in self._drains)
                assert not ended, "the program ended:\n" + "\n".join(self._lines["out"] + self._lines["err"])
                self._changed.wait(min(left, 0.2))

    def wait(self, timeout=30):
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"pid {self.pid} did not end in {timeout} s:\n" + "\n".join(self.lines("err"))
            ) from None
        for drain in self._drains:
            drain.join(5)
        return code

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.alive:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)


def pid_alive(pid):
    """Zombies count as gone: they hold no lock and serve nobody."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill_pid(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def rss_bytes(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    raise AssertionError(f"pid {pid} has no resident memory")


def wait_until(condition, what, timeout=30, every=0.02):
    """Waits for something that another process does; the answer of `condition` when it is true."""
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
        time.sleep(every)


# Becomes another user after Python has started: its own files need not be readable to that user.
_DROP = "import os, sys\nos.setgroups([]); os.setgid({gid}); os.setuid({uid})\n"


def run_python_as(account, code, *arguments, env=None, timeout=60):
    """Runs Python code as another account (root may do that); `account` is an entry of pwd."""
    drop = _DROP.format(gid=account.pw_gid, uid=account.pw_uid)
    return run(
        [sys.executable, "-c", "import socket, struct, subprocess, json\n" + drop + code, *arguments],
        env=env,
        timeout=timeout,
        cwd="/",
    )
