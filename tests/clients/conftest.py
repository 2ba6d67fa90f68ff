"""One owner with TCP and TLS for all client libraries; each makes tables of its own."""

import pytest

from harness.paths import Place
from harness.tls_server import TlsServer


@pytest.fixture(scope="session")
def client_server():
    place = Place()
    server = TlsServer(place)
    yield server
    try:
        server.stop()
    finally:
        place.remove()
