"""Fixtures of all suites. `server` is shared by a test file; `fresh_server`, `auto` and `place` belong to one test."""

import os
import shutil
import subprocess
import threading

import pytest

from harness.auto import Auto
from harness.paths import CLIENTS, TESTS, Place, require_program
from harness.process import run
from harness.reference import ReferenceServer
from harness.server import Server
from harness.tls_server import TlsServer

REFERENCE = os.environ.get("MERGANSER_TEST_REFERENCE") == "postgres"
ServerClass = ReferenceServer if REFERENCE else Server


def pytest_collection_modifyitems(items):
    for item in items:
        if REFERENCE and item.get_closest_marker("merganser_only"):
            item.add_marker(pytest.mark.skip(reason="Merganser only, and the reference runs"))


@pytest.fixture(autouse=True)
def watchdog(request):
    """Kills the owners of a test that hangs in a driver's C code, where pytest's own timeout cannot reach it."""
    marker = request.node.get_closest_marker("timeout")
    seconds = marker.args[0] if marker and marker.args else float(request.config.getini("timeout") or 300)
    timer = threading.Timer(seconds + 5, Server.kill_all)
    timer.daemon = True
    timer.start()
    yield
    timer.cancel()


@pytest.fixture(scope="session")
def program():
    return require_program()


@pytest.fixture
def place():
    made = Place()
    yield made
    made.remove()


@pytest.fixture
def start_server(place):
    """start_server(*flags, env=…) starts an owner in this test's place; every one is stopped and checked at the end."""
    started = []

    def start(*arguments, **keywords):
        server = ServerClass(place, *arguments, **keywords)
        started.append(server)
        return server

    yield start
    problems = []
    for server in started:
        try:
            server.stop()
        except AssertionError as problem:
            problems.append(str(problem))
    assert not problems, "\n".join(problems)


@pytest.fixture
def fresh_server(start_server):
    return start_server()


@pytest.fixture
def tls_server(place):
    """tls_server(*flags) starts an owner with TCP and TLS in this test's place."""
    started = []

    def start(*arguments, **more):
        started.append(TlsServer(place, *arguments, **more))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def server():
    made = Place()
    running = ServerClass(made)
    yield running
    try:
        running.stop()
    finally:
        made.remove()


@pytest.fixture
def connection(server):
    with server.connect() as made:
        yield made


@pytest.fixture
def table(server, request):
    """The name of a table that this test may create; it is dropped afterwards."""
    name = "t_" + "".join(c if c.isalnum() else "_" for c in request.node.name.lower())[:40]
    yield name
    with server.connect() as made:
        made.execute(f"DROP TABLE IF EXISTS {name}")


@pytest.fixture
def auto(place, program):
    made = Auto(place)
    yield made
    made.close()


def preload_library(name, folder):
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler, "no C compiler"
    library = folder / f"{name}.so"
    source = TESTS / "harness" / f"{name}.c"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True, timeout=60)
    return library


@pytest.fixture(scope="session")
def slow_fsync(tmp_path_factory):
    """The preload library that makes each fsync take FSYNC_US microseconds more."""
    return preload_library("slow_fsync", tmp_path_factory.mktemp("shim"))


@pytest.fixture(scope="session")
def fail_fsync(tmp_path_factory):
    """The preload library that makes fsync fail while the file named by FAIL_FSYNC exists."""
    return preload_library("fail_fsync", tmp_path_factory.mktemp("shim"))


@pytest.fixture(scope="session")
def node():
    """A function that runs a script of tests/clients under node with the pinned packages."""
    assert shutil.which("node"), "node is not installed"
    assert (CLIENTS / "node_modules" / "pg").is_dir() or os.environ.get("NODE_PATH"), "npm ci in tests/clients first"

    def run_script(name, *arguments, env, timeout=60):
        return run(["node", CLIENTS / name, *arguments], env=env, timeout=timeout, cwd=CLIENTS)

    return run_script
