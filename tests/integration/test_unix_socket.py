"""The Unix socket: peer credentials stand in for a password; other users are refused; encryption is declined."""

import os
import pwd

import pytest

from harness.net import connect_unix
from harness.paths import PG_BIN, USER
from harness.process import run, run_python_as
from harness.wire import GSSENC_REQUEST, SSL_REQUEST, Wire, query, startup

pytestmark = pytest.mark.merganser_only

NOBODY = pwd.getpwnam("nobody")

_CONNECT_AS_ANOTHER = """
body = b"user\\0" + sys.argv[2].encode() + b"\\0\\0"
s = socket.socket(socket.AF_UNIX); s.settimeout(20)
try:
    s.connect(sys.argv[1])
    s.sendall(struct.pack("!ii", len(body) + 8, 196608) + body)
    answer = b"".join(iter(lambda: s.recv(4096), b""))
    print("answer", answer)
except PermissionError:
    print("no permission")
"""


@pytest.mark.parametrize("ask", [SSL_REQUEST, GSSENC_REQUEST], ids=["ssl", "gssenc"])
def test_encryption_is_declined(server, ask):
    with Wire(connect_unix(server.socket_path)) as wire:
        wire.send(ask)
        assert wire.read_exactly(1) == b"N"
        wire.send(startup(user=USER, database=server.file.stem))
        wire.finish_startup()
        assert wire.rows(query("select 1")) == [[b"1"]]


def test_both_requests_in_a_row(server):
    with Wire(connect_unix(server.socket_path)) as wire:
        for ask in (GSSENC_REQUEST, SSL_REQUEST):
            wire.send(ask)
            assert wire.read_exactly(1) == b"N"
        wire.send(startup(user=USER, database=server.file.stem))
        wire.finish_startup()


def test_the_socket_and_its_folder_are_private(server):
    assert server.socket_path.stat().st_mode & 0o077 == 0
    assert server.socket_dir.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
@pytest.mark.parametrize("name", ["nobody", "root"])
def test_another_user_is_refused_even_where_the_folder_lets_it_in(fresh_server, name):
    """The folder's mode is the first wall; the peer's uid is the second, and it must hold alone."""
    for path, mode in (
        (fresh_server.place.path, 0o755),
        (fresh_server.socket_dir, 0o755),
        (fresh_server.socket_path, 0o777),
    ):
        path.chmod(mode)
    done = run_python_as(NOBODY, _CONNECT_AS_ANOTHER, fresh_server.socket_path, name)
    assert done.code == 0, done
    assert done.out.startswith("answer b'E") and ("28000" in done.out or "28P01" in done.out), done
    assert fresh_server.connect().execute("select 1").fetchone() == (1,)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_another_user_does_not_get_through_the_folder(server):
    done = run_python_as(NOBODY, _CONNECT_AS_ANOTHER, server.socket_path, "nobody")
    assert done.out == "no permission\n", done


def test_a_missing_user_in_the_startup(server):
    with Wire(connect_unix(server.socket_path)) as wire:
        wire.send(startup(database=server.file.stem))
        got = wire.until_closed()
        assert got[0].kind == "E" and b"28000" in got[0].body


def test_psql_over_the_folder(server):
    done = run(
        [PG_BIN / "psql", "-X", "-At", "-h", server.socket_dir, "-d", server.file.stem, "-c", "select 1"],
        env=server.environment(),
    )
    assert done.out == "1\n", done
