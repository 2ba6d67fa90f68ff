"""Starting and ending what is measured. Every process is ended by its own handle."""

import os
import signal
import subprocess
import time

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60


class Failure(Exception):
    """Something did not run; the text is for people."""


def clean_environment(extra=None):
    """No setting of the caller's may change a figure: neither libpq's nor Merganser's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "MERGANSER_"))}
    kept.pop("DATABASE_URL", None)
    kept.update(extra or {})
    return kept


def run(command, **options):
    """Runs to the end and answers standard output; Failure with the last lines when it does not work."""
    options.setdefault("env", clean_environment())
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise Failure(f"{' '.join(words)}\nended with code {done.returncode}:\n{said}")
    return done.stdout


def wait_until(ready, what, process=None, timeout_s=START_TIMEOUT_S):
    until = time.monotonic() + timeout_s
    while not ready():
        if process is not None and process.poll() is not None:
            raise Failure(f"{what} ended with code {process.returncode} while it was started")
        if time.monotonic() > until:
            raise Failure(f"{what} was not ready within {timeout_s} s")
        time.sleep(0.02)


def stop(process, what, how=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise Failure(f"{what} did not leave within {STOP_TIMEOUT_S} s and was killed") from None
