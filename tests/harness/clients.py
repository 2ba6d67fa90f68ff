"""Client libraries of other languages: programs of named checks, one line of output for each, and what becomes of them.

A program prints "name ok" or "name FAILED why". `client_checks` makes one test of each check, so that docs/CLIENTS.md can
tell them one by one; a check that is known to fail is expected to, strictly, with its reason.
"""

import os
import shutil

import pytest

from harness.paths import REPO
from harness.process import run
from harness.tls_server import PASSWORDS

BUILD = REPO / "build" / "clients"


def environment_of(server, **more):
    """How a program of tests/clients finds the server: libpq's variables, and ours for the rest."""
    words = dict(
        PGHOST="localhost", PGPORT=server.port, PGUSER="alice", PGPASSWORD=PASSWORDS["alice"],
        MERGANSER_CA=server.authority.certificate, MERGANSER_SOCKET_DIR=server.socket_dir,
    )  # fmt: skip
    return server.environment(**{**words, **more})


def require_tool(name):
    found = shutil.which(name)
    assert found, f"{name} is not here: tools/bootstrap installs it"
    return found


def build(command, *, cwd, timeout=900):
    """Compiles a program with the developer's own caches; its output is shown when it fails."""
    BUILD.mkdir(parents=True, exist_ok=True)
    done = run(command, env=dict(os.environ), cwd=cwd, timeout=timeout)
    assert done.code == 0, done


def outcomes(command, server, timeout=240, **more):
    """What each check came to: "ok", or why not."""
    done = run(command, env=environment_of(server, **more), timeout=timeout)
    found = {}
    for line in done.out.splitlines():
        name, _, outcome = line.partition(" ")
        found[name] = outcome.removeprefix("FAILED ")
    assert found and done.code == 0, done
    return found


def client_checks(client, checks, failing=None):
    """The test of a client: `checks` says in words what each check shows, `failing` why some cannot pass yet."""
    failing = failing or {}
    assert set(failing) <= set(checks), set(failing) - set(checks)
    cases = [
        pytest.param(name, id=name, marks=[pytest.mark.xfail(reason=failing[name], strict=True)] if name in failing else [])
        for name in checks
    ]

    @pytest.mark.client(client, checks)
    @pytest.mark.parametrize("check", cases)
    def test_client(results, check):
        assert set(results) == set(checks), "the program's checks and those named here differ"
        assert results[check] == "ok", results[check]

    return test_client
