"""An owner that listens on TCP with TLS, and what tests of it share."""

import signal

import psycopg

from harness.net import free_port
from harness.passwords import write_password_file
from harness.paths import PROGRAM
from harness.process import run, wait_until
from harness.server import Server
from harness.tls import Authority, openssl, served_certificate

PASSWORDS = {"alice": "open sesame", "bob": "pässwörd €"}


class TlsServer(Server):
    """One with TCP, a password file and, unless told otherwise, a certificate of an authority of its own."""

    def __init__(self, place, *arguments, own_certificate=True, host="127.0.0.1", **more):
        self.port = free_port()
        self.authority = Authority(place.path / "ca")
        self.pair = self.authority.server()
        self.password_file = write_password_file(place.path / "passwords", **PASSWORDS)
        shown = ["--tls-certificate", self.pair.certificate, "--tls-key", self.pair.key] if own_certificate else []
        listen = ["--listen", f"{host}:{self.port}", "--password-file", self.password_file]
        super().__init__(place, *listen, *shown, *arguments, **more)

    def words(self, user="alice", **more):
        words = dict(host="127.0.0.1", port=self.port, dbname=self.file.stem, user=user, connect_timeout=10)
        words["password"] = PASSWORDS.get(user)
        words["sslrootcert"] = self.authority.certificate
        words["sslmode"] = "verify-full"
        words.update(more)
        return {k: str(v) for k, v in words.items() if v is not None}

    def login(self, user="alice", **more):
        return psycopg.connect(**self.words(user, **more), autocommit=True)


def is_encrypted(connection):
    return bool(connection.pgconn.ssl_in_use)


def reload_now(server):
    """SIGHUP, and wait until it is taken up."""
    served = openssl("x509", "-in", server.pair.certificate)
    server.child.signal(signal.SIGHUP)
    wait_until(lambda: served_certificate(server.port).strip() == served.strip(), "the new certificate is shown")


def refused_to_start(place, *flags):
    done = run(
        [PROGRAM, "serve", place.file(), "--socket-dir", place.path / "s", *flags], env=place.environment(), timeout=30
    )
    assert done.code not in (0, -6, -11), done
    return done.err
