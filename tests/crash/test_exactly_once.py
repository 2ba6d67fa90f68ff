"""kill -9 at every named step between a request's arrival and its acknowledgement: with an idempotency key it is
applied exactly once, and whoever repeats it gets the right answer.

The owner dies by itself at the step that MERGANSER_KILL_POINT names. Then the client connects again, which starts the
next owner, and repeats its request with the same key.
"""

import threading
import time

import psycopg
import pytest

from harness.plain import plain_duckdb
from harness.process import kill_pid, pid_alive, wait_until

pytestmark = [pytest.mark.merganser_only, pytest.mark.timeout(240)]

# Between arrival and acknowledgement, in order.
STEPS = [
    "arrived",
    "queued",
    "batch_taken",
    "begun",
    "executed",
    "ledger_written",
    "before_commit",
    "after_commit",
    "before_acknowledge",
    "replies_queued",
    "replied",
]
APPLIED_FROM = STEPS.index("after_commit")
CLIENTS = 6


def insert_returning(connection, key):
    sql = f"/*+ idempotency_key='{key}' */ insert into t(who, tags) values (%s, %s) returning id, who, tags"
    return connection.execute(sql, (key, ["a", key])).fetchall()


def count_up(connection, key):
    sql = f"/*+ idempotency_key='{key}' */ update counters set n = n + 1 where id = 1 returning n"
    return connection.execute(sql).fetchall()


def plain_insert(connection, key):
    connection.execute(f"set merganser.idempotency_key = '{key}'")
    return connection.execute("insert into t(who) values ('set'), ('set')").rowcount


def pipeline(connection, key):
    first, second = connection.cursor(), connection.cursor()
    with connection.pipeline():
        first.execute(f"/*+ idempotency_key='{key}' */ insert into t(who) values (%s) returning id", ("pipe",))
        second.execute("update counters set n = n + %s where id = 2 returning n", (10,))
    return first.fetchall(), second.fetchall()


def several(connection, key):
    cursor = connection.execute(
        f"/*+ idempotency_key='{key}' */ insert into t(who) values ('several') returning id;"
        " update counters set n = n + 100 where id = 3 returning n"
    )
    answers = [cursor.fetchall()]
    assert cursor.nextset()
    return [*answers, cursor.fetchall()]


REQUESTS = [insert_returning, count_up, plain_insert, pipeline, several]


def prepare(auto):
    with auto.connect() as connection:
        connection.execute("create sequence ids")
        connection.execute("create table t(id bigint default nextval('ids') primary key, who varchar, tags varchar[])")
        connection.execute("create table counters(id int primary key, n bigint)")
        connection.execute("insert into counters values (1, 0), (2, 0), (3, 0)")


def effects(connection):
    return (
        connection.execute("select who, count(*) from t group by all order by all").fetchall(),
        connection.execute("select n from counters order by id").fetchall(),
    )


def die_at(auto, step, work):
    """Runs work(connection) with an owner that dies at the step; its answer, or None when the connection was lost."""
    assert auto.stop().code in (0, 1)
    url = auto.url(env={"MERGANSER_KILL_POINT": step})
    pid = auto.endpoint_pid()
    answer = None
    try:
        connection = psycopg.connect(url, autocommit=True)
        answer = work(connection)
        connection.close()
    except psycopg.OperationalError as lost:
        # Not an answer: neither an error of the statement nor a refusal.
        assert lost.sqlstate in (None, "08006", "08007", "57P01", "57P02"), lost
    wait_until(lambda: not pid_alive(pid), f"the owner died at {step}")
    return answer


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_every_step(auto, step, request_):
    prepare(auto)
    # The table of keys is there, so that the first commit after the start is the request's own.
    with auto.connect() as connection:
        connection.execute("/*+ idempotency_key='other' */ insert into t(who) values ('other')")
        before = effects(connection)
    answer = die_at(auto, step, lambda connection: request_(connection, "k"))
    if STEPS.index(step) < STEPS.index("replies_queued"):
        assert answer is None, "nothing is acknowledged before its time"

    notices = []
    with auto.connect() as connection:
        applied = effects(connection) != before
        assert applied == (STEPS.index(step) >= APPLIED_FROM)
        connection.add_notice_handler(lambda diagnostic: notices.append(diagnostic.sqlstate))
        again = request_(connection, "k")
        after = effects(connection)
        assert after != before
        assert answer is None or again == answer
        assert notices == (["00M01"] if applied else [])
        # And again, with the answer of the first time each time.
        assert request_(connection, "k") == again
        assert effects(connection) == after
        assert notices[-1:] == ["00M01"]
        assert connection.execute("select count(*) from merganser.idempotency_keys where key = 'k'").fetchone() == (1,)
    check_answer(request_, again, after)


def check_answer(request_, answer, after):
    rows, counters = dict(after[0]), [n for (n,) in after[1]]
    if request_ is insert_returning:
        assert rows["k"] == 1 and len(answer) == 1 and answer[0][1:] == ("k", ["a", "k"])
    elif request_ is count_up:
        assert counters[0] == 1 and answer == [(1,)]
    elif request_ is plain_insert:
        assert rows["set"] == 2 and answer == 2
    elif request_ is pipeline:
        assert rows["pipe"] == 1 and counters[1] == 10 and answer[1] == [(10,)]
    else:
        assert rows["several"] == 1 and counters[2] == 100 and answer[1] == [(100,)]


@pytest.mark.parametrize("step", ["before_commit:1", "after_commit:1", "before_commit:2", "after_commit:2", "begun"])
def test_a_kill_while_the_first_key_of_a_file_makes_its_table(auto, step):
    prepare(auto)
    die_at(auto, step, lambda connection: insert_returning(connection, "first"))
    with auto.connect() as connection:
        answer = insert_returning(connection, "first")
        assert connection.execute("select id, who, tags from t").fetchall() == answer
        assert insert_returning(connection, "first") == answer


@pytest.mark.parametrize("step", ["checkpoint_before", "checkpoint_after"])
def test_a_kill_beside_a_checkpoint(auto, step):
    prepare(auto)

    def work(connection):
        answer = count_up(connection, "k")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("checkpoint")
        return answer

    first = die_at(auto, step, work)
    with auto.connect() as connection:
        assert count_up(connection, "k") == first == [(1,)]
        assert effects(connection)[1][0] == (1,)


def persistent(auto, request_, keys, answers, problems):
    """A client that repeats each of its requests until it has an answer, through however many owners that takes."""
    connection = None
    deadline = time.monotonic() + 120
    for key in keys:
        while key not in answers:
            if time.monotonic() > deadline:
                return problems.append(f"no answer for {key}")
            try:
                if connection is None or connection.closed:
                    connection = auto.connect()
                answers[key] = request_(connection, key)
            except psycopg.OperationalError as lost:
                if lost.sqlstate not in (None, "08006", "08007", "57P01", "57P02"):
                    return problems.append(repr(lost))
                connection = None
            except AssertionError as no_owner:
                # The owner that `merganser url` found died before it could be used.
                if "crash" not in str(no_owner) and "ended" not in str(no_owner):
                    return problems.append(str(no_owner))
    if connection is not None:
        connection.close()


@pytest.mark.parametrize("step", STEPS)
def test_several_clients_and_a_kill(auto, step):
    """Each client repeats what it is not sure of; some requests share the commit in which the owner dies."""
    prepare(auto)
    auto.stop()
    # From the seventh time on, so that some requests are done, some shared that commit, and some had not arrived.
    auto.url(env={"MERGANSER_KILL_POINT": f"{step}:7"})
    pid = auto.endpoint_pid()
    answers, problems = {}, []
    threads = [
        threading.Thread(
            target=persistent,
            args=(auto, count_up if n % 2 else insert_returning, [f"c{n}-{i}" for i in range(8)], answers, problems),
        )
        for n in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(150)
    assert not problems, problems
    assert not pid_alive(pid), f"the owner never came to {step}"
    check_all(auto, answers)


def check_all(auto, answers):
    assert len(answers) == CLIENTS * 8
    ups = sorted(answer[0][0] for key, answer in answers.items() if int(key[1]) % 2)
    assert ups == list(range(1, len(ups) + 1)), "each increment happened once, and each client was told its own"
    with auto.connect() as connection:
        rows = connection.execute("select id, who, tags from t order by who").fetchall()
        assert effects(connection)[1][0] == (len(ups),)
        inserted = {key: answer for key, answer in answers.items() if not int(key[1]) % 2}
        assert rows == sorted((answer[0] for answer in inserted.values()), key=lambda row: row[1])
    assert auto.stop().code == 0
    assert plain_duckdb(auto.file, "select count(*) from merganser.idempotency_keys") == [(len(answers),)]


def test_kills_at_any_moment_with_one_key_for_all(auto):
    """Everybody sends the same requests, as a crowd that retries does; the owner is killed again and again."""
    prepare(auto)
    keys = [f"shared-{i}" for i in range(60)]
    told = [{} for _ in range(CLIENTS)]
    problems = []
    threads = [
        threading.Thread(target=persistent, args=(auto, count_up, keys, answers, problems)) for answers in told
    ]
    for thread in threads:
        thread.start()
    kills = 0
    while any(thread.is_alive() for thread in threads) and kills < 5:
        seen = sum(map(len, told))
        wait_until(
            lambda s=seen: sum(map(len, told)) >= s + 25 or not any(t.is_alive() for t in threads), "more answers", 100
        )
        pid = auto.endpoint_pid()
        if pid:
            kill_pid(pid)
            kills += 1
    for thread in threads:
        thread.join(150)
    assert not problems, problems
    assert kills >= 3
    for answers in told:
        assert answers == told[0], "all were told the same"
    assert sorted(answer[0][0] for answer in told[0].values()) == list(range(1, len(keys) + 1))
    with auto.connect() as connection:
        assert effects(connection)[1][0] == (len(keys),)
