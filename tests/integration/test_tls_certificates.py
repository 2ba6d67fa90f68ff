"""Certificates of TLS: generated, given, changed while the owner runs, and those of clients."""

import signal

import psycopg
import pytest

from harness.net import free_port
from harness.passwords import write_password_file
from harness.process import wait_until
from harness.server import Server
from harness.tls import Authority, fingerprint, openssl, served_certificate
from harness.tls_server import PASSWORDS, is_encrypted, refused_to_start, reload_now

pytestmark = pytest.mark.merganser_only


def test_a_generated_certificate_can_be_pinned(tls_server, place):
    server = tls_server(own_certificate=False)
    certificate = place.path / "t.duckdb.tls.crt"
    key = place.path / "t.duckdb.tls.key"
    assert key.stat().st_mode & 0o777 == 0o600
    for host in ("127.0.0.1", "localhost"):
        with server.login(host=host, sslrootcert=certificate, channel_binding="require") as connection:
            assert is_encrypted(connection)
    before = fingerprint(certificate)
    server.stop()
    again = Server(place, "--listen", f"127.0.0.1:{server.port}", "--password-file", server.password_file)
    try:
        assert fingerprint(certificate) == before, "it stays the same from owner to owner"
    finally:
        again.stop()


def test_a_generated_certificate_near_its_end_is_renewed(tls_server, place):
    old = Authority(place.path / "old").server(days=10)
    certificate, key = place.path / "t.duckdb.tls.crt", place.path / "t.duckdb.tls.key"
    certificate.write_bytes(old.certificate.read_bytes())
    key.write_bytes(old.key.read_bytes())
    key.chmod(0o600)
    server = tls_server(own_certificate=False)
    assert fingerprint(certificate) != fingerprint(old.certificate)
    with server.login(sslrootcert=certificate) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_new_certificate_on_sighup(tls_server):
    server = tls_server()
    with server.login() as old:
        server.authority.server("next").copy_over(server.pair)
        reload_now(server)
        assert old.execute("select 1").fetchone() == (1,), "who was there stays"
        with server.login() as new:
            assert new.execute("select 2").fetchone() == (2,)


def test_a_new_certificate_is_noticed(tls_server):
    server = tls_server()
    before = served_certificate(server.port)
    server.authority.server("next").copy_over(server.pair)
    wait_until(lambda: served_certificate(server.port) != before, "the new certificate is shown", every=0.5)


def test_a_certificate_that_cannot_be_used_does_not_replace_the_old(tls_server):
    server = tls_server()
    server.expected_errors.append("tls.reload_failed")
    before = served_certificate(server.port)
    stranger = server.authority.server("stranger")
    server.pair.certificate.write_bytes(stranger.certificate.read_bytes())
    server.child.signal(signal.SIGHUP)
    server.child.wait_line(lambda line: "tls.reload_failed" in line, "err")
    assert served_certificate(server.port) == before
    with server.login() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_files_that_cannot_be_used_are_named(place, program):
    authority = Authority(place.path / "ca")
    pair, other = authority.server(), authority.server("other")
    passwords = write_password_file(place.path / "passwords", alice="x")
    tcp = ["--listen", f"127.0.0.1:{free_port()}", "--password-file", passwords]
    junk = place.path / "junk.pem"
    junk.write_text("not a certificate\n")
    junk.chmod(0o600)

    def start(certificate, key, *more):
        return refused_to_start(place, *tcp, "--tls-certificate", certificate, "--tls-key", key, *more)

    assert str(place.path / "nothing") in start(place.path / "nothing", pair.key)
    assert str(junk) in start(junk, pair.key)
    assert str(junk) in start(pair.certificate, junk)
    assert "key" in start(pair.certificate, other.key)
    assert str(junk) in start(pair.certificate, pair.key, "--tls-client-ca", junk)
    locked = place.path / "locked.key"
    openssl("ec", "-in", pair.key, "-aes256", "-passout", "pass:secret", "-out", locked)
    locked.chmod(0o600)
    assert str(locked) in start(pair.certificate, locked)
    pair.key.chmod(0o644)
    err = start(pair.certificate, pair.key)
    assert "chmod 600" in err and "PRIVATE" not in err
    assert "together" in refused_to_start(place, *tcp, "--tls-certificate", pair.certificate)


# ---- clients' certificates -------------------------------------------------------------------------------------


def with_certificate(server, pair, user="alice", **more):
    return server.login(user, sslcert=pair.certificate, sslkey=pair.key, **more)


RULES = {
    # rule: (alice's own, bob's for alice, none), each with the password and without
    "optional": (("yes", "yes"), ("yes", "no"), ("yes", "no")),
    "cert": (("yes", "yes"), ("no", "no"), ("no", "no")),
    "verify-ca": (("yes", "no"), ("yes", "no"), ("no", "no")),
    "verify-full": (("yes", "no"), ("no", "no"), ("no", "no")),
}


@pytest.mark.parametrize("rule", RULES)
def test_client_certificates(tls_server, place, rule):
    clients = Authority(place.path / "clients", "Client Authority")
    server = tls_server("--tls-client-ca", clients.certificate, "--tls-client-certificates", rule)
    shown = {"own": clients.client("alice"), "other": clients.client("bob"), "none": None}
    got = {}
    for name, pair in shown.items():
        for password in (PASSWORDS["alice"], "wrong"):
            try:
                more = {"sslcert": pair.certificate, "sslkey": pair.key} if pair else {"sslcert": "/nonexistent"}
                server.login(password=password, **more).close()
                got.setdefault(name, []).append("yes")
            except psycopg.OperationalError as error:
                assert "certificate" in str(error) or "password" in str(error), error
                got.setdefault(name, []).append("no")
    assert got == {name: list(answers) for name, answers in zip(shown, RULES[rule])}
    if rule != "optional":
        with pytest.raises(psycopg.OperationalError, match="certificate"):
            server.login(sslmode="disable")


def test_a_client_certificate_of_a_stranger_is_refused(tls_server, place):
    clients = Authority(place.path / "clients")
    server = tls_server("--tls-client-ca", clients.certificate)
    stranger = Authority(place.path / "strangers").client("alice")
    with pytest.raises(psycopg.OperationalError, match="alert|unknown ca|SSL"):
        with_certificate(server, stranger)
    expired = clients.issue("expired", "/CN=alice", days=-1)
    with pytest.raises(psycopg.OperationalError, match="alert|expired|SSL"):
        with_certificate(server, expired)
    twice = clients.issue("twice", "/CN=alice/CN=bob")
    with pytest.raises(psycopg.OperationalError, match="password"):
        with_certificate(server, twice, password="wrong")


def test_certificates_without_a_password_file(place, start_server):
    clients = Authority(place.path / "clients")
    pair, port = clients.client("alice"), free_port()
    start_server("--listen", f"127.0.0.1:{port}", "--tls-client-ca", clients.certificate,
                 "--tls-client-certificates", "cert")  # fmt: skip
    words = dict(host="127.0.0.1", port=port, dbname="t", user="alice", connect_timeout=10, sslmode="require")
    with psycopg.connect(**words, sslcert=str(pair.certificate), sslkey=str(pair.key)) as connection:
        who = connection.execute("select user_name from merganser.activity where state = 'active'").fetchall()
        assert who == [("alice",)]
    with pytest.raises(psycopg.OperationalError, match="certificate"):
        psycopg.connect(**words, sslcert="/nonexistent")


def test_a_withdrawn_client_certificate(tls_server, place):
    clients = Authority(place.path / "clients")
    alice, bob = clients.client("alice"), clients.client("bob")
    crl = clients.revoke(bob)
    server = tls_server("--tls-client-ca", clients.certificate, "--tls-crl", crl)
    with with_certificate(server, alice, password="not needed") as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="alert|revoked|SSL"):
        with_certificate(server, bob, "bob")


def test_the_log_holds_no_secrets(tls_server, place):
    clients = Authority(place.path / "clients")
    server = tls_server("--tls-client-ca", clients.certificate)
    with pytest.raises(psycopg.OperationalError):
        server.login(password="my secret")
    with pytest.raises(psycopg.OperationalError):
        with_certificate(server, Authority(place.path / "strangers").client("alice"))
    wait_until(lambda: "tls.handshake_failed" in server.log(), "the failure is logged")
    log = server.log()
    assert "auth.failed" in log and "my secret" not in log and "PRIVATE" not in log
