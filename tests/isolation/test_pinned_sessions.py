"""Sessions that keep their connection (temporary tables, PREPARE): what comes after an error does not meet its end."""

import threading

import pytest

from harness.wire import SYNC, Wire, bind, execute, fields, parse, query, row

pytestmark = pytest.mark.merganser_only

ROUNDS = 150


def problems_of(answer):
    return [fields(m.body) for m in answer if m.kind == "E"]


def converse(server, number, failures):
    """Without waiting for answers, so that each statement follows the error before it as closely as it can."""
    with Wire.open(server) as wire:
        wire.ask(query("create temp table mine(i int)"))
        for i in range(ROUNDS):
            answer = wire.ask(
                query("execute nothing"), query(f"insert into kept values ({number}, {i})"),
                query("begin"), query("selec"), query("rollback"), query(f"insert into mine values ({i})"),
                parse("selec"), bind(), execute(), SYNC, query("select count(*) from mine"),
            )  # fmt: skip
            codes = [problem["C"] for problem in problems_of(answer)]
            if codes != ["26000", "42601", "42601"]:
                failures.append(problems_of(answer))
                return
            count = [row(m.body) for m in answer if m.kind == "D"][-1]
            if count != [b"%d" % (i + 1)]:
                failures.append(count)
                return


def ask_at_once(server, failures):
    for _ in range(ROUNDS):
        with Wire.open(server) as wire:
            answer = wire.ask(query("execute nothing"), query("select 'a'"), query("select 'b'"))
            codes = [problem["C"] for problem in problems_of(answer)]
            if codes != ["26000"]:
                failures.append(problems_of(answer))
                return


def run_together(target, *arguments):
    failures = []
    workers = [threading.Thread(target=target, args=(*(a(n) for a in arguments), failures)) for n in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []


def test_reads_right_after_the_error_that_pinned_the_session(start_server):
    server = start_server()
    run_together(ask_at_once, lambda n: server)


def test_statements_after_an_error(start_server):
    server = start_server()
    with server.connect() as connection:
        connection.execute("create table kept(n int, i int)")
        run_together(converse, lambda n: server, lambda n: n)
        assert connection.execute("select count(*), count(distinct (n, i)) from kept").fetchone() == (900, 900)
