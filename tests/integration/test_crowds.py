"""Many clients that mean no good, or that are just many: slow logins, half-open connections, no descriptors left."""

import resource
import socket
import time

import psycopg
import pytest

from harness.net import connect_tcp, connect_unix
from harness.paths import USER
from harness.process import wait_until
from harness.wire import SSL_REQUEST, Wire, query, sqlstate, startup

pytestmark = pytest.mark.merganser_only

CROWD = 10_000


@pytest.fixture
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CROWD + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this system allows {hard} open files only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def works(server):
    with server.login(sslmode="disable", sslrootcert=None) as remote, server.connect() as local:
        return remote.execute("select 1").fetchone() == local.execute("select 1").fetchone() == (1,)


def descriptors(server):
    import os

    return len(os.listdir(f"/proc/{server.pid}/fd"))


def test_ten_thousand_half_open_connections(tls_server, many_descriptors):
    """Nobody who logs in waits for those who do not, and they cost no more than the limit allows."""
    server = tls_server("--max-logins", "500", "--authentication-timeout", "60s")
    before, rss = descriptors(server), server.rss()
    held = []
    try:
        for number in range(CROWD):
            held.append(connect_tcp(server.port))
            if number % 3 == 1:
                held[-1].sendall(startup(user="alice", database="t")[: 1 + number % 20])
            elif number % 3 == 2:
                try:
                    held[-1].sendall(SSL_REQUEST)
                except OSError:
                    pass
            if number % 1000 == 999:
                assert works(server)
        wait_until(lambda: descriptors(server) - before < 600, "the oldest are closed")
        assert works(server)
        assert server.rss() - rss < 96 << 20
        assert "net.logins_dropped" in server.log()
    finally:
        for connection in held:
            connection.close()
    wait_until(lambda: descriptors(server) < before + 20, "the rest is closed too")
    assert works(server)


def test_a_crowd_on_tcp_does_not_take_the_places_of_those_inside(tls_server):
    server = tls_server("--max-connections", "8", "--reserved-connections", "2", "--max-logins", "10")
    inside = [server.login(sslmode="disable", sslrootcert=None) for _ in range(6)]
    with pytest.raises(psycopg.OperationalError, match="too many clients"):
        server.login(sslmode="disable", sslrootcert=None)
    outside = [connect_tcp(server.port) for _ in range(50)]
    with server.connect() as first, server.connect() as second:
        assert first.execute("select 1").fetchone() == second.execute("select 1").fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            server.connect()
    for connection in inside:
        assert connection.execute("select 1").fetchone() == (1,)
    inside.pop().close()
    wait_until(lambda: can_log_in(server), "a place is free again")
    for connection in [*inside, *outside]:
        connection.close()


def test_few_places_are_not_all_kept_for_the_owner(tls_server):
    server = tls_server("--max-connections", "2")
    with server.login(sslmode="disable", sslrootcert=None), server.login(sslmode="disable", sslrootcert=None):
        assert not can_log_in(server)


def can_log_in(server):
    try:
        server.login(sslmode="disable", sslrootcert=None).close()
        return True
    except psycopg.OperationalError:
        return False


def test_cancel_works_when_all_places_are_taken(start_server):
    from harness.background import ENDLESS

    server = start_server("--max-connections", "1")
    with server.connect() as connection:
        import threading

        timer = threading.Timer(0.3, connection.cancel_safe)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(ENDLESS)
        timer.join()


def test_slow_logins_are_dropped_in_time(tls_server):
    """A byte now and then keeps nobody's place: the time counts from the connection."""
    server = tls_server("--authentication-timeout", "2s")
    packet = startup(user="alice", database="t")
    slow = [connect_tcp(server.port) for _ in range(100)]
    for step in range(6):
        for connection in slow:
            try:
                connection.sendall(packet[step : step + 1])
            except OSError:
                pass
        assert works(server)
        time.sleep(0.3)
    for connection in slow:
        try:
            while connection.recv(100):
                pass
        except ConnectionResetError:
            pass
        connection.close()


def test_a_password_that_never_comes(tls_server):
    server = tls_server("--authentication-timeout", "1s")
    with Wire(connect_tcp(server.port)) as wire:
        wire.send(startup(user="alice", database="t"))
        assert wire.next().kind == "R"
        assert wire.until_closed() == []
    assert works(server)


def test_no_descriptors_left(start_server):
    """Those inside go on, and when there is room again new clients come in."""
    server = start_server()
    server.expected_errors.append("accept_failed")
    with server.connect() as inside:
        inside.execute("create table t(i int)")
        limits = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (descriptors(server) + 6, limits[1]))
        held = []
        try:
            for _ in range(40):
                connection = socket.socket(socket.AF_UNIX)
                connection.settimeout(20)
                connection.connect(str(server.socket_path))
                held.append(connection)
            wait_until(lambda: "net.accept_failed" in server.log(), "the server has no descriptors left")
            for number in range(50):
                inside.execute("insert into t values (%s)", [number])
            assert inside.execute("select count(*) from t").fetchone() == (50,)
        finally:
            for connection in held:
                connection.close()
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limits)
        with server.connect() as new:
            assert new.execute("select count(*) from t").fetchone() == (50,)


def test_few_descriptors_mean_few_clients(start_server):
    server = start_server(wrapper=["prlimit", "--nofile=256:256"])
    held = []
    try:
        for _ in range(300):
            held.append(Wire(connect_unix(server.socket_path)))
            held[-1].send(startup(user=USER, database=server.file.stem))
        answers = [first_answer(wire) for wire in held]
        assert "R" in answers and "53300" in answers and set(answers) <= {"R", "53300"}, set(answers)
        assert "net.few_descriptors" in server.log() and "net.accept_failed" not in server.log()
        first = next(wire for wire, answer in zip(held, answers) if answer == "R")
        first.until_ready()
        assert first.rows(query("select 1")) == [[b"1"]]
    finally:
        for wire in held:
            wire.close()
    wait_until(lambda: server_answers(server), "there is room again")


def first_answer(wire):
    first = wire.next()
    return sqlstate([first]) if first.kind == "E" else first.kind


def server_answers(server):
    try:
        server.connect().close()
        return True
    except psycopg.OperationalError:
        return False


def test_clients_that_never_read(tls_server):
    """Over TCP and TLS: their queries stop, others go on, and memory stays where it is."""
    server = tls_server()
    stuck, before = [], server.rss()
    try:
        for mode in ("disable", "require") * 4:
            connection = server.login(sslmode=mode, sslrootcert=None)
            connection.pgconn.send_query(b"select g, repeat('x', 1000) from generate_series(1, 10000000) as r(g)")
            stuck.append(connection)
        end = time.monotonic() + 2
        highest = 0
        while time.monotonic() < end:
            highest = max(highest, server.rss())
            assert works(server)
        assert highest - before < 640 << 20, "of 80 GB"
    finally:
        for connection in stuck:
            connection.close()
    wait_until(lambda: server.status()["sessions"]["active"] == 0, "their queries end with them")
    assert works(server)
