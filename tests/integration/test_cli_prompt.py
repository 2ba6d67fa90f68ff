"""The prompt of `merganser sql`, on a real (pseudo) terminal: editing, completion, history, Ctrl-C, transactions."""

import os
import pty
import re
import select
import signal
import time

import pytest

from harness.paths import PROGRAM

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A program on a terminal of its own: what is typed, and what has been printed."""

    def __init__(self, arguments, environment):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(arguments[0], [str(a) for a in arguments], environment)
        self.text = ""
        self.read = 0

    def expect(self, wanted, timeout=20):
        """Waits for a text after what was expected before, and returns all up to its end."""
        end = time.monotonic() + timeout
        while True:
            plain = ESCAPES.sub("", self.text)
            at = plain.find(wanted, self.read)
            if at >= 0:
                found = plain[self.read : at + len(wanted)]
                self.read = at + len(wanted)
                return found
            left = end - time.monotonic()
            assert left > 0 and select.select([self.fd], [], [], left)[0], f"no {wanted!r} in {plain[self.read :]!r}"
            try:
                got = os.read(self.fd, 65536)
            except OSError:
                got = b""
            assert got, f"the program ended without {wanted!r}: {plain[self.read :]!r}"
            self.text += got.decode("utf-8", "replace")

    def type(self, text):
        os.write(self.fd, text.encode())

    def code(self, timeout=10):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    os.read(self.fd, 65536)
                except OSError:
                    pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = None
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("the prompt did not end")

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def open_prompt(auto):
    terminals = []

    def start():
        auto.used.add(auto.file)
        environment = auto.place.environment(TERM="xterm", LC_ALL="C.UTF-8", XDG_STATE_HOME=auto.place.path / "state")
        environment = {k: str(v) for k, v in environment.items()}
        terminal = Terminal([PROGRAM, "sql", auto.file], environment)
        terminals.append(terminal)
        terminal.expect("t=> ")
        return terminal

    yield start
    for terminal in terminals:
        terminal.close()


def test_statements_on_several_lines(open_prompt):
    prompt = open_prompt()
    prompt.type("select 40 +\n")
    prompt.expect("t-> ")
    prompt.type("2 as answer, 'a\n")
    prompt.expect("t'> ")
    prompt.type("b' as text; select 'second' as s;\n")
    prompt.expect("42")
    prompt.expect("a\\nb")
    prompt.expect("second")
    prompt.type("\\q\n")
    assert prompt.code() == 0


def test_ctrl_d_leaves(open_prompt):
    prompt = open_prompt()
    prompt.type("\x04")
    assert prompt.code() == 0


def test_an_error_does_not_end_the_prompt(open_prompt):
    prompt = open_prompt()
    prompt.type("selec 1;\n")
    prompt.expect("ERROR 42601")
    prompt.expect("^")
    prompt.type("select 'still here' as s;\n")
    prompt.expect("s    ")
    prompt.expect("still here")


def test_ctrl_c_drops_the_line_and_stops_a_statement(open_prompt):
    prompt = open_prompt()
    prompt.type("select nonsense that is never run")
    prompt.expect("never run")
    prompt.type("\x03")
    prompt.expect("t=> ")
    prompt.type("select sum(a.range * b.range) from range(1000000) a, range(1000000) b;\n")
    prompt.expect(";")
    time.sleep(0.5)
    prompt.type("\x03")
    prompt.expect("ERROR 57014")
    prompt.type("select 'alive' as s;\n")
    prompt.expect("alive")


def test_the_prompt_shows_the_transaction(open_prompt):
    prompt = open_prompt()
    prompt.type("begin;\n")
    prompt.expect("t=*> ")
    prompt.type("select boom();\n")
    prompt.expect("t=!> ")
    prompt.type("rollback;\n")
    prompt.expect("t=> ")


def test_completion_knows_keywords_and_new_tables(open_prompt):
    prompt = open_prompt()
    prompt.type("create table unmistakable(strange_column int);\n")
    prompt.expect("CREATE TABLE")
    prompt.type("insert into unmist\t values (7); sel\tstrange_c\tfrom unmis\t;\n")
    prompt.expect("INSERT 0 1")
    prompt.expect("strange_column")
    prompt.expect("7")


def test_history_stays(open_prompt, auto):
    first = open_prompt()
    first.type("select 'remember me' as s;\n")
    first.expect("(1 row)")
    first.type("\\q\n")
    assert first.code() == 0
    history = auto.place.path / "state" / "merganser" / "history"
    assert history.stat().st_mode & 0o777 == 0o600
    second = open_prompt()
    second.type("\x1b[A\x1b[A")
    second.expect("remember me")
    second.type("\n")
    second.expect("(1 row)")


def test_describe(open_prompt):
    prompt = open_prompt()
    prompt.type("create table things(a int not null, b varchar);\n")
    prompt.expect("CREATE TABLE")
    prompt.type("\\d\n")
    prompt.expect("things")
    prompt.expect("base table")
    prompt.type("\\d things\n")
    prompt.expect("NO")
    prompt.type("\\nothing\n")
    prompt.expect("no command")


def test_the_prompt_outlives_the_owner(open_prompt, auto):
    prompt = open_prompt()
    prompt.type("create table kept(i int); insert into kept values (5);\n")
    prompt.expect("INSERT 0 1")
    auto.kill_owner()
    prompt.type("select 1;\n")
    prompt.expect("connecting again")
    prompt.expect("t=> ")
    prompt.type("select i + 100 as j from kept;\n")
    prompt.expect("105")
