"""Named checks of a client library: one line for each, "name ok" or "name FAILED why"."""

import os

ADDRESS = dict(
    host="localhost", port=os.environ["PGPORT"], user=os.environ["PGUSER"], password=os.environ["PGPASSWORD"],
    dbname=os.environ["PGDATABASE"],
)  # fmt: skip
CA = os.environ["MERGANSER_CA"]
SOCKET_DIR = os.environ["MERGANSER_SOCKET_DIR"]

_checks = []


def check(body):
    _checks.append(body)
    return body


def run_all():
    for body in _checks:
        try:
            body()
            print(body.__name__, "ok", flush=True)
        except Exception as problem:
            print(body.__name__, "FAILED", type(problem).__name__, " ".join(str(problem).split())[:400], flush=True)


def fails(kind, words, action):
    """The action fails with an error that holds these words."""
    try:
        action()
    except kind as problem:
        assert words in str(problem), problem
        return
    raise AssertionError(f"no error: expected {words}")
