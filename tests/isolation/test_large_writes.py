"""Large and special writes beside small ones: reads go on meanwhile, waiting writers get their turn, nobody fails."""

import threading

import psycopg
import pytest

from harness.process import wait_until

pytestmark = [pytest.mark.merganser_only, pytest.mark.timeout(240)]

MANY = 100_000


class Beside:
    """A reader and a writer that work while something large goes on; counts what they get done meanwhile."""

    def __init__(self, server):
        self.server = server
        self.reads = self.writes = 0
        self.problems = []
        self.stop = threading.Event()
        with server.connect() as connection:
            connection.execute("create table small(i int)")
            connection.execute("insert into small values (0)")
        self.threads = [threading.Thread(target=self.run, args=(work,)) for work in (self.read, self.write)]

    def run(self, work):
        try:
            with self.server.connect() as one:
                while not self.stop.is_set():
                    work(one)
        except Exception as problem:  # noqa: BLE001 - handed to the test
            self.problems.append(problem)

    def read(self, one):
        assert one.execute("select count(*) > 0 from small").fetchone() == (True,)
        self.reads += 1

    def write(self, one):
        one.execute("insert into small values (1)")
        self.writes += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_until(lambda: (self.reads and self.writes) or self.problems, "the small ones at work")
        return self

    def __exit__(self, *_):
        # A write that waited for the large one is done afterwards.
        before = self.writes
        wait_until(lambda: self.writes > before or self.problems, "another small write", timeout=60)
        self.stop.set()
        for thread in self.threads:
            thread.join(60)
        assert self.problems == []
        with self.server.connect() as connection:
            assert connection.execute("select count(*) from small").fetchone() == (self.writes + 1,)


def reads_during(beside, work, least=3):
    """What `work` does takes long: reads get done while it runs."""
    done = threading.Event()
    problems = []

    def run():
        try:
            work()
        except Exception as problem:  # noqa: BLE001 - handed to the test
            problems.append(problem)
        done.set()

    thread = threading.Thread(target=run)
    before = beside.reads
    thread.start()
    meanwhile = before
    while not done.wait(0.02):
        meanwhile = beside.reads
    thread.join()
    assert problems == []
    assert meanwhile - before >= least


@pytest.mark.parametrize(
    "sql",
    [
        "insert into large select range, repeat('x', 20) || range from range(3000000)",
        "create table other as select range as i, repeat('x', 20) || range as s from range(3000000)",
    ],
)
def test_one_large_statement(fresh_server, sql):
    with fresh_server.connect() as connection, Beside(fresh_server) as beside:
        connection.execute("create table large(i bigint, s varchar)")
        reads_during(beside, lambda: connection.execute(sql))
        assert connection.execute(
            "select count(*) from " + ("large" if "large" in sql else "other")
        ).fetchone() == (3_000_000,)


def test_ddl_on_a_large_table(fresh_server):
    with fresh_server.connect() as connection:
        connection.execute("create table large as select range as i, range::varchar as s from range(1000000)")
        with Beside(fresh_server):
            for sql in (
                "alter table large add column n int default 7",
                "alter table large alter column i type varchar",
                "create index large_s on large(s)",
                "drop index large_s",
                "alter table large rename to larger",
                "drop table larger",
            ):
                connection.execute(sql)


def test_a_transaction_of_many_statements(fresh_server):
    with fresh_server.connect() as connection, Beside(fresh_server) as beside:
        connection.execute("create table large(i bigint)")

        def work():
            with connection.transaction(), connection.pipeline() as pipeline:
                for i in range(MANY):
                    connection.execute("insert into large values (%s)", (i,))
                    if i % 5000 == 4999:
                        pipeline.sync()

        reads_during(beside, work)
        assert connection.execute("select count(*), max(i) from large").fetchone() == (MANY, MANY - 1)


def test_a_pipeline_of_many_statements(fresh_server):
    """One Sync at the end: all or nothing, whatever the size."""
    with fresh_server.connect() as connection, Beside(fresh_server) as beside:
        connection.execute("create table large(i bigint)")

        def work():
            with connection.pipeline():
                for i in range(MANY):
                    connection.execute("insert into large values (%s)", (i,))

        reads_during(beside, work)
        assert connection.execute("select count(*), max(i) from large").fetchone() == (MANY, MANY - 1)


def test_a_large_write_can_be_cancelled(fresh_server):
    """And leaves nothing; what waited behind it goes on."""
    with fresh_server.connect() as connection, fresh_server.connect() as eyes, Beside(fresh_server):
        connection.execute("create table large(i bigint)")
        outcome = []

        def work():
            try:
                connection.execute("insert into large select a.range from range(100000) a, range(100000) b")
            except psycopg.Error as error:
                outcome.append(error.sqlstate)

        thread = threading.Thread(target=work)
        thread.start()
        running = f"select count(*) from merganser.activity where session = {connection.info.backend_pid} and " + (
            "state = 'active' and waiting_for is null"
        )
        wait_until(lambda: eyes.execute(running).fetchone() == (1,), "the large write at work")
        connection.cancel()
        thread.join(60)
        assert outcome == ["57014"]
        assert eyes.execute("select count(*) from large").fetchone() == (0,)
