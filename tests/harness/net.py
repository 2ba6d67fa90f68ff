"""Ports and sockets."""

import socket
import struct


def free_port():
    """A loopback port that was free a moment ago. Whoever takes it must retry when it is not any more."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connect_unix(path, timeout=20):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout)
    connection.connect(str(path))
    return connection


def connect_tcp(port, timeout=20):
    connection = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def reset_on_close(connection):
    """The next close sends RST instead of FIN, as a host that lost its process may."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
