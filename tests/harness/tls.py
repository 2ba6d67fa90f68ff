"""Certificates for tests, made by the openssl program: an authority, servers, clients, a list of withdrawn ones."""

import shutil
import subprocess

_CONFIG = """
[ca]
default_ca = here
[here]
database = {folder}/index
crlnumber = {folder}/crlnumber
default_md = sha256
default_crl_days = 30
"""


def openssl(*arguments, input=None):
    assert shutil.which("openssl"), "no openssl: tools/bootstrap installs it"
    done = subprocess.run(
        ["openssl", *[str(a) for a in arguments]], capture_output=True, text=True, input=input, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Pair:
    """A certificate and its key."""

    def __init__(self, certificate, key):
        self.certificate = certificate
        self.key = key

    def copy_over(self, other):
        """Takes another's place as a careful administrator does it: each file by a rename."""
        for ours, theirs in ((self.key, other.key), (self.certificate, other.certificate)):
            temporary = theirs.with_suffix(".new")
            shutil.copy(ours, temporary)
            temporary.chmod(0o600)
            temporary.rename(theirs)


class Authority:
    def __init__(self, folder, name="Test Authority"):
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.pair = self._key("ca")
        openssl("req", "-x509", "-new", "-key", self.pair.key, "-subj", f"/CN={name}", "-days", 3650, "-out",
                self.pair.certificate, "-addext", "basicConstraints=critical,CA:TRUE", "-addext",
                "keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip

    @property
    def certificate(self):
        return self.pair.certificate

    def _key(self, name, algorithm="ec"):
        pair = Pair(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        if algorithm == "ec":
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", pair.key)
        elif algorithm == "rsa":
            openssl("genrsa", "-out", pair.key, 2048)
        else:
            openssl("genpkey", "-algorithm", algorithm, "-out", pair.key)
        pair.key.chmod(0o600)
        return pair

    def issue(self, name, subject, *, names=None, days=365, algorithm="ec", digest="sha256"):
        """A certificate for a server (names) or a client."""
        pair = self._key(name, algorithm)
        request = self.folder / f"{name}.csr"
        openssl("req", "-new", "-key", pair.key, "-subj", subject, "-out", request)
        extensions = self.folder / f"{name}.ext"
        usage = "serverAuth" if names else "clientAuth"
        extensions.write_text(
            f"basicConstraints=CA:FALSE\nextendedKeyUsage={usage}\n"
            + (f"subjectAltName={','.join(names)}\n" if names else "")
        )
        openssl("x509", "-req", "-in", request, "-CA", self.pair.certificate, "-CAkey", self.pair.key, "-CAcreateserial",
                "-days", days, f"-{digest}", "-extfile", extensions, "-out", pair.certificate)  # fmt: skip
        return pair

    def server(self, name="server", **more):
        return self.issue(name, "/CN=localhost", names=["DNS:localhost", "IP:127.0.0.1"], **more)

    def client(self, user, **more):
        return self.issue(f"client_{user}", f"/CN={user}", **more)

    def revoke(self, *pairs):
        """The list of withdrawn certificates."""
        config = self.folder / "ca.cnf"
        config.write_text(_CONFIG.format(folder=self.folder))
        (self.folder / "index").touch()
        (self.folder / "crlnumber").write_text("01\n")
        words = ["ca", "-config", config, "-cert", self.pair.certificate, "-keyfile", self.pair.key]
        for pair in pairs:
            openssl(*words, "-revoke", pair.certificate)
        crl = self.folder / "crl.pem"
        openssl(*words, "-gencrl", "-out", crl)
        return crl


def fingerprint(certificate):
    return openssl("x509", "-in", certificate, "-noout", "-fingerprint", "-sha256").strip()


def served_certificate(port, *arguments):
    """The PEM that a server shows, by openssl's own PostgreSQL client."""
    done = subprocess.run(
        ["openssl", "s_client", "-starttls", "postgres", "-connect", f"127.0.0.1:{port}", *arguments],
        capture_output=True, text=True, input="", timeout=60,
    )  # fmt: skip
    assert "BEGIN CERTIFICATE" in done.stdout, done
    return done.stdout[done.stdout.index("-----BEGIN") : done.stdout.index("-----END CERTIFICATE-----") + 26]
