"""Password files made without Merganser: the verifier as PostgreSQL keeps it in pg_authid (RFC 5803)."""

import base64
import hashlib
import hmac
import os


def scram_verifier(password, iterations=4096):
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def write_password_file(path, **passwords):
    path.write_text("# users of this test\n" + "".join(f"{u}:{scram_verifier(p)}\n" for u, p in passwords.items()))
    path.chmod(0o600)
    return path
