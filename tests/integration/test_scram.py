"""TCP clients: SCRAM-SHA-256 against a password file, and nobody without one."""

import psycopg
import pytest

from harness.net import connect_tcp, free_port
from harness.passwords import write_password_file
from harness.paths import PG_BIN, Place
from harness.process import run
from harness.server import Server
from harness.wire import GSSENC_REQUEST, SSL_REQUEST, Wire, fields, query, startup

pytestmark = pytest.mark.merganser_only

PASSWORDS = {"alice": "open sesame", "bob": "pässwörd €"}


@pytest.fixture(scope="module")
def tcp():
    place = Place()
    passwords = write_password_file(place.path / "passwords", **PASSWORDS)
    port = free_port()
    server = Server(place, "--listen", f"127.0.0.1:{port}", "--password-file", passwords)
    server.port = port
    yield server
    try:
        server.stop()
    finally:
        place.remove()


def login(tcp, user="alice", password="open sesame", **more):
    words = dict(host="127.0.0.1", port=tcp.port, dbname=tcp.file.stem, user=user, connect_timeout=10, **more)
    if password is not None:
        words["password"] = password
    return psycopg.connect(**words, autocommit=True)


@pytest.mark.parametrize("user", PASSWORDS)
def test_the_right_password(tcp, user):
    with login(tcp, user, PASSWORDS[user]) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        assert connection.pgconn.used_password


def test_required_methods_are_spoken(tcp):
    with login(tcp, require_auth="scram-sha-256") as connection:
        assert connection.execute("select 1").fetchone() == (1,)


WRONG = [
    ("wrong password", "alice", "open sesame!"),
    ("empty password", "alice", ""),
    ("another's password", "alice", PASSWORDS["bob"]),
    ("unknown user", "mallory", "open sesame"),
    ("user in other case", "ALICE", "open sesame"),
]


@pytest.mark.parametrize("user, password", [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_refused(tcp, user, password):
    with pytest.raises(psycopg.OperationalError) as caught:
        login(tcp, user, password)
    text = str(caught.value)
    if password:
        assert f'password authentication failed for user "{user}"' in text
    assert "open sesame" not in text


def test_an_unknown_user_is_told_what_a_known_one_is_told(tcp):
    """Same messages, same lengths: who asks cannot find out which users exist."""

    def exchange(user):
        with Wire(connect_tcp(tcp.port)) as wire:
            wire.send(startup(user=user, database=tcp.file.stem))
            offered = wire.next()
            first = b"n,,n=,r=abcdefghijklmnopqrstuvwx"
            wire.send(
                b"p"
                + (4 + 14 + 4 + len(first)).to_bytes(4, "big")
                + b"SCRAM-SHA-256\0"
                + len(first).to_bytes(4, "big")
                + first
            )
            challenge = wire.next()
            parts = dict(p.split(b"=", 1) for p in challenge.body[4:].split(b","))
            final = b"c=biws,r=" + parts[b"r"] + b",p=" + b"A" * 43 + b"="
            wire.send(b"p" + (4 + len(final)).to_bytes(4, "big") + final)
            refusal = wire.until_closed()[0]
            return offered.body, len(parts[b"s"]), parts[b"i"], fields(refusal.body)["C"], parts[b"s"]

    known, unknown, again = exchange("alice"), exchange("mallory"), exchange("mallory")
    assert known[:4] == unknown[:4]
    assert unknown[4] == again[4], "the made-up salt must stay the same"


def test_the_peer_s_credentials_do_not_count_on_tcp(tcp):
    with pytest.raises(psycopg.OperationalError):
        login(tcp, "root", None)


def test_the_socket_needs_no_password(tcp):
    with tcp.connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_psql_with_a_password(tcp):
    environment = tcp.environment(PGHOST="127.0.0.1", PGPORT=tcp.port, PGUSER="bob", PGPASSWORD=PASSWORDS["bob"])
    done = run([PG_BIN / "psql", "-X", "-At", "-c", "select 1"], env=environment)
    assert done.out == "1\n", done


@pytest.mark.parametrize("mode", ["allow", "prefer", "require"])
def test_without_tls(place, mode):
    passwords = write_password_file(place.path / "passwords", **PASSWORDS)
    port = free_port()
    server = Server(place, "--listen", f"127.0.0.1:{port}", "--password-file", passwords, "--tls", "off")
    server.port = port
    if mode == "require":
        with pytest.raises(psycopg.OperationalError, match="server does not support SSL"):
            login(server, sslmode=mode)
    else:
        with login(server, sslmode=mode) as connection:
            assert not connection.pgconn.ssl_in_use
    with Wire(connect_tcp(port)) as wire:
        wire.send(SSL_REQUEST)
        assert wire.read_exactly(1) == b"N"
        wire.send(startup(user="alice", database=server.file.stem))
        assert wire.next().kind == "R"
    server.stop()


@pytest.mark.parametrize("ask", [GSSENC_REQUEST], ids=["gssenc"])
def test_encryption_is_declined_and_the_login_goes_on(tcp, ask):
    with Wire(connect_tcp(tcp.port)) as wire:
        wire.send(ask)
        assert wire.read_exactly(1) == b"N"
        wire.send(startup(user="alice", database=tcp.file.stem))
        assert wire.next().kind == "R"


def test_nothing_is_served_before_the_login(tcp):
    with Wire(connect_tcp(tcp.port)) as wire:
        wire.send(startup(user="alice", database=tcp.file.stem), query("select 1"))
        got = wire.until_closed()
        assert got[0].kind == "R" and not [m for m in got if m.kind in "TDCZ"]


def test_a_large_message_before_the_login_is_refused(tcp):
    with Wire(connect_tcp(tcp.port)) as wire:
        wire.send(startup(user="alice", database=tcp.file.stem))
        wire.next()
        wire.send(b"p" + (100 << 20).to_bytes(4, "big"), bytes(1000))
        got = wire.until_closed()
        assert not got or got[0].kind == "E"


def test_the_password_command_makes_what_serve_reads(place, auto):
    passwords = place.path / "passwords"
    made = auto.cli("password", "--user", "carol", "--file", passwords, input="tell nobody\ntell nobody\n")
    assert made.code == 0, made
    assert "tell nobody" not in made.out + made.err + passwords.read_text()
    assert passwords.stat().st_mode & 0o777 == 0o600
    port = free_port()
    server = Server(place, "--listen", f"127.0.0.1:{port}", "--password-file", passwords)
    server.port = port
    with login(server, "carol", "tell nobody") as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    server.stop()
    assert "tell nobody" not in server.log()


def refused_to_start(place, *flags):
    from harness.paths import PROGRAM

    done = run(
        [PROGRAM, "serve", place.file(), "--socket-dir", place.path / "s", *flags], env=place.environment(), timeout=30
    )
    assert done.code not in (0, -6, -11), done
    return done.err


def test_tcp_without_a_password_file_never(place, program):
    """Either it does not start, or it starts and lets nobody in over TCP: it does not start, and says why."""
    err = refused_to_start(place, "--listen", f"127.0.0.1:{free_port()}")
    assert "password" in err


def test_a_password_file_that_others_can_read_is_refused(place, program):
    passwords = write_password_file(place.path / "passwords", alice="x")
    passwords.chmod(0o644)
    err = refused_to_start(place, "--listen", f"127.0.0.1:{free_port()}", "--password-file", passwords)
    assert str(passwords) in err and "chmod" in err


def test_a_broken_password_file_names_its_line(place, program):
    passwords = place.path / "passwords"
    passwords.write_text("# fine\nalice:not a verifier\n")
    passwords.chmod(0o600)
    err = refused_to_start(place, "--listen", f"127.0.0.1:{free_port()}", "--password-file", passwords)
    assert "2" in err and "alice:not" not in err
