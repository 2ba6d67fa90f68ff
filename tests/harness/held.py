"""A write queue that stands still, so that a test decides what waits in it and in which order it came."""

import threading

import psycopg

from harness.process import wait_until


class Held:
    """Holds the write lane with an open transaction from the start until release(), or the end of the block."""

    def __init__(self, server, table):
        self.server = server
        self.connection = server.connect(autocommit=False)
        self.connection.execute(f"delete from {table} where false")
        self.threads = []
        self.before = server.status()["queue"]["entered"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()

    def release(self):
        if not self.connection.closed:
            self.connection.rollback()
            self.connection.close()
        for thread in self.threads:
            thread.join(60)

    def arrived(self, count):
        """Waits until so many writes have come to the queue since the lane was taken."""
        wanted = self.before + count
        wait_until(lambda: self.server.status()["queue"]["entered"] >= wanted, f"{count} writes queued", 60)

    def send(self, sql, wait=True, connection=None, **keywords):
        """Sends from a session of its own and returns once the write is in the queue; Answer fills later."""
        seen = self.server.status()["queue"]["entered"]
        answer = Answer(self.server, sql, connection, keywords)
        self.threads.append(answer.thread)
        if wait:
            wait_until(lambda: self.server.status()["queue"]["entered"] > seen, f"{sql} is queued", 60)
        return answer


class Answer:
    """What became of a write that somebody else waits for: .tag, .notices (SQLSTATE, detail), .rows or .error."""

    def __init__(self, server, sql, connection=None, keywords=None):
        self.tag, self.error, self.rows, self.notices = None, None, None, []
        self.connection = connection or server.connect(**(keywords or {}))
        self.connection.add_notice_handler(lambda d: self.notices.append((d.severity, d.sqlstate, d.message_detail)))
        self.thread = threading.Thread(target=self._run, args=(sql,))
        self.thread.start()

    def _run(self, sql):
        try:
            cursor = self.connection.execute(sql)
            self.tag = cursor.statusmessage
            self.rows = cursor.fetchall() if cursor.description else None
        except psycopg.Error as error:
            self.error = error

    def done(self):
        self.thread.join(60)
        assert not self.thread.is_alive()
        if self.error:
            raise self.error
        return self
