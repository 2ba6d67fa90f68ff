"""TLS over TCP: who gets it, what is checked, certificates that change, and what an attacker in between may try."""

import asyncio
import socket
import ssl

import asyncpg
import psycopg
import pytest

from harness.net import connect_tcp, connect_unix, free_port
from harness.passwords import write_password_file
from harness.paths import PG_BIN, Place
from harness.process import run
from harness.tls import Authority, openssl
from harness.tls_server import PASSWORDS, TlsServer, is_encrypted, refused_to_start, reload_now
from harness.wire import GSSENC_REQUEST, SSL_REQUEST, Wire, fields, sqlstate, startup

pytestmark = pytest.mark.merganser_only

@pytest.fixture(scope="module")
def tls():
    place = Place()
    server = TlsServer(place)
    yield server
    try:
        server.stop()
    finally:
        place.remove()


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"])
def test_sslmode(tls, mode):
    with tls.login(sslmode=mode) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        assert is_encrypted(connection) == (mode not in ("disable", "allow"))


def test_an_authority_that_did_not_sign_is_noticed_by_the_client(tls, tmp_path):
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        tls.login(sslrootcert=Authority(tmp_path / "other").certificate)


def test_psql_says_that_it_is_encrypted(tls):
    words = tls.words()
    environment = tls.environment(
        PGHOST="localhost", PGHOSTADDR="127.0.0.1", PGPORT=tls.port, PGUSER="alice", PGPASSWORD=words["password"],
        PGSSLMODE="verify-full", PGSSLROOTCERT=words["sslrootcert"], PGCHANNELBINDING="require",
    )  # fmt: skip
    done = run([PG_BIN / "psql", "-X", "-At", "-c", r"\conninfo", "-c", "select 1"], env=environment)
    assert "SSL connection (protocol: TLSv1.3" in done.out and done.out.endswith("1\n"), done


def test_asyncpg(tls):
    context = ssl.create_default_context(cafile=str(tls.authority.certificate))

    async def work():
        connection = await asyncpg.connect(
            host="localhost", port=tls.port, user="alice", password=PASSWORDS["alice"], database=tls.file.stem,
            ssl=context, timeout=20,
        )  # fmt: skip
        try:
            return await connection.fetchval("select 40 + $1::int", 2)
        finally:
            await connection.close()

    assert asyncio.run(work()) == 42


def test_large_results_and_parameters(tls):
    """Many records both ways, in pieces that no record boundary fits."""
    with tls.login() as connection:
        text = "0123456789" * 1_000_003
        got = connection.execute("select %s::varchar || 'x'", [text]).fetchone()[0]
        assert got == text + "x"
        rows = connection.execute("select g, repeat('y', g % 100) from generate_series(1, 200000) as r(g)").fetchall()
        assert len(rows) == 200000 and all(len(y) == g % 100 for g, y in rows)


def test_pipelines_and_cancel(tls):
    with tls.login() as connection:
        with connection.pipeline():
            cursors = [connection.execute("select %s::int", [i]) for i in range(500)]
        assert [c.fetchone()[0] for c in cursors] == list(range(500))
        connection.execute("set statement_timeout = '200ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select count(*) from range(100000000000) a(i), range(1000) b(j) where i % 7 = j")


def test_cancel_over_tls(tls):
    """libpq 17 and later encrypts the CancelRequest as well."""
    import threading

    with tls.login() as connection:
        timer = threading.Timer(0.5, connection.cancel_safe)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select count(*) from range(100000000000) a(i), range(1000) b(j) where i % 7 = j")
        timer.join()


# ---- channel binding -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("binding", ["disable", "prefer", "require"])
def test_channel_binding(tls, binding):
    with tls.login(channel_binding=binding) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_channel_binding_needs_tls(tls):
    with pytest.raises(psycopg.OperationalError, match="channel binding"):
        tls.login(sslmode="disable", channel_binding="require")


@pytest.mark.parametrize("algorithm, digest", [("rsa", "sha256"), ("ec", "sha384"), ("ec", "sha512")])
def test_channel_binding_with_other_signatures(tls_server, algorithm, digest):
    server = tls_server()
    server.authority.server("another", algorithm=algorithm, digest=digest).copy_over(server.pair)
    reload_now(server)
    with server.login(channel_binding="require", sslmode="require", sslrootcert=None) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_no_channel_binding_without_a_hash(tls_server, tmp_path):
    """An Ed25519 signature has no digest to bind with: the mechanism is not offered, the login works."""
    server = tls_server()
    pair = server.authority.server("edwards", algorithm="ed25519")
    openssl("req", "-x509", "-key", pair.key, "-subj", "/CN=localhost", "-days", 10, "-out", pair.certificate)
    pair.copy_over(server.pair)
    reload_now(server)
    with server.login(sslmode="require", sslrootcert=None) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="channel binding"):
        server.login(sslmode="require", sslrootcert=None, channel_binding="require")


def encrypted_wire(server, **more):
    """A connection by hand, through TLS, before its startup packet."""
    raw = connect_tcp(server.port)
    raw.sendall(SSL_REQUEST)
    assert raw.recv(1) == b"S"
    context = ssl.create_default_context(cafile=str(server.authority.certificate))
    for name, value in more.items():
        setattr(context, name, value)
    return Wire(context.wrap_socket(raw, server_hostname="localhost"))


def sasl(wire, mechanism, data):
    body = mechanism + b"\0" + len(data).to_bytes(4, "big") + data
    wire.send(b"p" + (4 + len(body)).to_bytes(4, "big") + body)


def test_a_client_whose_list_of_mechanisms_was_shortened_is_refused(tls):
    """Flag y: "I could bind, you cannot". We can, so somebody took our offer away."""
    with encrypted_wire(tls) as wire:
        wire.send(startup(user="alice", database=tls.file.stem))
        assert wire.next().body == b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"
        sasl(wire, b"SCRAM-SHA-256", b"y,,n=,r=abcdefghijklmnop")
        error = fields(wire.until_closed()[0].body)
        assert error["C"] == "28000" and "negotiation" in error["M"]


WRONG_FIRST = [
    (b"SCRAM-SHA-256-PLUS", b"n,,n=,r=abcdefghijklmnop", "08P01"),
    (b"SCRAM-SHA-256-PLUS", b"p=tls-unique,,n=,r=abcdefghijklmnop", "08P01"),
    (b"SCRAM-SHA-256-PLUS", b"p=,,n=,r=abcdefghijklmnop", "08P01"),
    (b"SCRAM-SHA-256-PLUS", b"p", "08P01"),
    (b"SCRAM-SHA-256", b"p=tls-server-end-point,,n=,r=abcdefghijklmnop", "08P01"),
    (b"SCRAM-SHA-1", b"n,,n=,r=abcdefghijklmnop", "08P01"),
]


@pytest.mark.parametrize("mechanism, first, code", WRONG_FIRST)
def test_a_wrong_first_message(tls, mechanism, first, code):
    with encrypted_wire(tls) as wire:
        wire.send(startup(user="alice", database=tls.file.stem))
        wire.next()
        sasl(wire, mechanism, first)
        assert sqlstate(wire.until_closed()) == code


def test_a_proof_bound_to_another_certificate_is_refused(tls):
    """What a man in the middle with a certificate of his own can hand on."""
    with encrypted_wire(tls) as wire:
        wire.send(startup(user="alice", database=tls.file.stem))
        wire.next()
        sasl(wire, b"SCRAM-SHA-256-PLUS", b"p=tls-server-end-point,,n=,r=abcdefghijklmnop")
        challenge = dict(p.split(b"=", 1) for p in wire.next().body[4:].split(b","))
        import base64

        binding = base64.b64encode(b"p=tls-server-end-point,," + b"\x11" * 32)
        final = b"c=" + binding + b",r=" + challenge[b"r"] + b",p=" + b"A" * 43 + b"="
        wire.send(b"p" + (4 + len(final)).to_bytes(4, "big") + final)
        error = fields(wire.until_closed()[0].body)
        assert (error["C"], error["M"]) == ("28000", "SCRAM channel binding check failed")


def test_plus_is_not_offered_without_tls(tls):
    with Wire(connect_tcp(tls.port)) as wire:
        wire.send(startup(user="alice", database=tls.file.stem))
        assert wire.next().body == b"\0\0\0\x0aSCRAM-SHA-256\0\0"
        sasl(wire, b"SCRAM-SHA-256-PLUS", b"p=tls-server-end-point,,n=,r=abcdefghijklmnop")
        assert sqlstate(wire.until_closed()) == "08P01"


# ---- negotiation -----------------------------------------------------------------------------------------------


def test_direct_tls(tls):
    """sslnegotiation=direct of PostgreSQL 17: TLS from the first byte."""
    with tls.login(sslnegotiation="direct") as connection:
        assert is_encrypted(connection)
        assert connection.execute("select 1").fetchone() == (1,)


def test_direct_tls_needs_the_protocol_s_name(tls):
    context = ssl.create_default_context(cafile=str(tls.authority.certificate))
    with context.wrap_socket(connect_tcp(tls.port), server_hostname="localhost") as wrapped:
        wrapped.sendall(startup(user="alice", database=tls.file.stem))
        assert closes(wrapped)


def test_another_protocol_s_name_is_refused(tls):
    context = ssl.create_default_context(cafile=str(tls.authority.certificate))
    context.set_alpn_protocols(["http/1.1"])
    raw = connect_tcp(tls.port)
    with pytest.raises(ssl.SSLError), context.wrap_socket(raw, server_hostname="localhost") as wrapped:
        wrapped.recv(1)
    raw.close()


def closes(connection):
    try:
        while connection.recv(1 << 16):
            pass
        return True
    except (ConnectionResetError, ssl.SSLError):
        return True


def test_the_unix_socket_declines_tls(tls):
    with Wire(connect_unix(tls.socket_path)) as wire:
        wire.send(SSL_REQUEST)
        assert wire.read_exactly(1) == b"N"


def test_gssapi_is_declined_before_and_inside_tls(tls):
    with Wire(connect_tcp(tls.port)) as wire:
        wire.send(GSSENC_REQUEST)
        assert wire.read_exactly(1) == b"N"
        wire.send(SSL_REQUEST)
        assert wire.read_exactly(1) == b"S"
    with encrypted_wire(tls) as wire:
        wire.send(GSSENC_REQUEST)
        assert wire.read_exactly(1) == b"N"
        wire.send(startup(user="alice", database=tls.file.stem))
        assert wire.next().kind == "R"


def test_tls_in_tls_is_refused(tls):
    with encrypted_wire(tls) as wire:
        wire.send(SSL_REQUEST)
        assert sqlstate(wire.until_closed()) == "0A000"


def test_what_was_sent_before_the_answer_is_refused(tls):
    """CVE-2021-23214: it came in clear text and must not be read as if it had been encrypted."""
    with Wire(connect_tcp(tls.port)) as wire:
        wire.send(SSL_REQUEST + startup(user="alice", database=tls.file.stem))
        got = wire.until_closed()
        assert sqlstate(got) == "08P01"
        assert "unencrypted data after SSL request" in fields(got[0].body)["M"]


def test_what_was_sent_between_answer_and_handshake_is_refused(tls):
    raw = connect_tcp(tls.port)
    raw.sendall(SSL_REQUEST)
    assert raw.recv(1) == b"S"
    raw.sendall(startup(user="alice", database=tls.file.stem))
    assert closes(raw)
    raw.close()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_versions_are_refused(tls, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    raw = connect_tcp(tls.port)
    raw.sendall(SSL_REQUEST)
    assert raw.recv(1) == b"S"
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        context.wrap_socket(raw)
    raw.close()


def test_tls_1_2_is_spoken(tls):
    with encrypted_wire(tls, maximum_version=ssl.TLSVersion.TLSv1_2) as wire:
        assert wire.socket.version() == "TLSv1.2"
        wire.send(startup(user="alice", database=tls.file.stem))
        assert wire.next().kind == "R"


def test_a_handshake_in_single_bytes(tls):
    """As slow as a network can be, and nobody else waits for it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=str(tls.authority.certificate))
    inside = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    raw = connect_tcp(tls.port)
    for byte in SSL_REQUEST:
        raw.sendall(bytes([byte]))
    assert raw.recv(1) == b"S"
    while True:
        try:
            inside.do_handshake()
            break
        except ssl.SSLWantReadError:
            for byte in outgoing.read():
                raw.sendall(bytes([byte]))
            incoming.write(raw.recv(1 << 16))
    inside.write(startup(user="alice", database=tls.file.stem))
    for byte in outgoing.read():
        raw.sendall(bytes([byte]))
    while True:
        try:
            assert inside.read(1) == b"R"
            break
        except ssl.SSLWantReadError:
            incoming.write(raw.recv(1 << 16))
    raw.close()


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\xff\xff" + b"x" * 70000, b"GET / HTTP/1.0\r\n\r\n", b"\x16" * 100])
def test_junk_instead_of_a_handshake(tls, junk):
    raw = connect_tcp(tls.port)
    raw.sendall(SSL_REQUEST)
    assert raw.recv(1) == b"S"
    try:
        raw.sendall(junk)
    except (ConnectionResetError, BrokenPipeError):
        pass
    assert closes(raw)
    raw.close()
    with tls.login() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_record_that_was_changed_ends_the_connection(tls):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=str(tls.authority.certificate))
    inside = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    raw = connect_tcp(tls.port)
    raw.sendall(SSL_REQUEST)
    assert raw.recv(1) == b"S"
    while True:
        try:
            inside.do_handshake()
            break
        except ssl.SSLWantReadError:
            raw.sendall(outgoing.read())
            incoming.write(raw.recv(1 << 16))
    raw.sendall(outgoing.read())
    inside.write(startup(user="alice", database=tls.file.stem))
    record = bytearray(outgoing.read())
    record[-1] ^= 1
    raw.sendall(record)
    assert closes(raw)
    raw.close()


def test_clients_that_stop_in_the_handshake_are_dropped_in_time(tls_server):
    server = tls_server("--authentication-timeout", "1s")
    silent = connect_tcp(server.port)
    halfway = connect_tcp(server.port)
    halfway.sendall(SSL_REQUEST)
    assert halfway.recv(1) == b"S"
    halfway.sendall(b"\x16\x03\x01")
    assert closes(silent) and closes(halfway)
    with server.login() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


# ---- who needs it ----------------------------------------------------------------------------------------------


def own_address():
    """One of this machine that is not loopback: what other machines would see."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            address = probe.getsockname()[0]
        except OSError:
            address = "127.0.0.1"
    if address.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    return address


def test_other_machines_need_tls(tls_server):
    address = own_address()
    server = tls_server(host="0.0.0.0")
    with server.login(host=address, sslmode="verify-ca") as connection:
        assert is_encrypted(connection)
    for mode in ("disable", "allow"):
        if mode == "disable":
            with pytest.raises(psycopg.OperationalError, match="have to be encrypted"):
                server.login(host=address, sslmode=mode)
        else:
            with server.login(host=address, sslmode=mode, sslrootcert=None) as connection:
                assert is_encrypted(connection), "libpq tries again with TLS"
    with server.login(sslmode="disable") as connection:
        assert not is_encrypted(connection), "this machine's own clients may choose"


def test_other_machines_without_tls_only_when_told(tls_server):
    address = own_address()
    server = tls_server("--unsafe-plaintext-tcp", "--tls", "off", host="0.0.0.0")
    with server.login(host=address, sslmode="prefer", sslrootcert=None) as connection:
        assert not is_encrypted(connection)


def test_listening_for_others_without_tls_is_refused(place, program):
    passwords = write_password_file(place.path / "passwords", alice="x")
    err = refused_to_start(
        place, "--listen", f"0.0.0.0:{free_port()}", "--password-file", passwords, "--tls", "off"
    )
    assert "without TLS" in err and "unsafe_plaintext_tcp" in err


def test_tls_required_of_all(tls_server):
    server = tls_server("--tls", "required")
    with pytest.raises(psycopg.OperationalError, match="have to be encrypted"):
        server.login(sslmode="disable")
    with server.login() as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    with server.connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,), "the Unix socket needs none"


def test_every_address_of_both_kinds(tls_server):
    server = tls_server(host="*")
    for host in ("127.0.0.1", "::1"):
        with server.login(host=host, sslmode="verify-ca") as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def test_many_clients_at_once(tls):
    async def one(number):
        context = ssl.create_default_context(cafile=str(tls.authority.certificate))
        connection = await asyncpg.connect(
            host="localhost", port=tls.port, user="alice", password=PASSWORDS["alice"], database=tls.file.stem,
            ssl=context, timeout=60,
        )  # fmt: skip
        try:
            return [await connection.fetchval("select $1::int", number + i) for i in range(5)]
        finally:
            await connection.close()

    async def work():
        return await asyncio.gather(*[one(n) for n in range(60)])

    assert asyncio.run(work()) == [list(range(n, n + 5)) for n in range(60)]
