"""Many processes find no owner and start one at the same moment: all succeed, and there is exactly one."""

import subprocess
from pathlib import Path

import psycopg
import pytest

from harness.paths import PROGRAM
from harness.process import pid_alive


def race(auto, count, file=None):
    file = file or auto.file
    auto.used.add(file)
    children = [
        subprocess.Popen(
            [PROGRAM, "url", file],
            env=auto.place.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    answers = []
    for child in children:
        out, err = child.communicate(timeout=60)
        assert child.returncode == 0, err
        answers.append(out.strip())
    assert len(set(answers)) == 1, set(answers)
    return answers[0]


def owners(file):
    """The pids of all processes whose command line says that they serve the file."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"serve" in words and str(file).encode() in words and pid_alive(int(entry.name)):
                found.append(int(entry.name))
    return found


def test_fifty_race(auto):
    url = race(auto, 50)
    assert owners(auto.file) == [auto.pid()]
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_fifty_race_after_a_kill(auto):
    auto.url()
    first = auto.kill_owner()
    race(auto, 50)
    (second,) = owners(auto.file)
    assert second == auto.pid() != first


def test_a_race_of_writers(auto):
    """Each process starts or finds the owner and writes a row; none is lost."""
    script = "create table if not exists t(i integer); insert into t values (1)"
    auto.used.add(auto.file)
    children = [
        subprocess.Popen(
            [PROGRAM, "sql", auto.file, script],
            env=auto.place.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(20)
    ]
    for child in children:
        _, err = child.communicate(timeout=60)
        assert child.returncode == 0, err
    with auto.connect() as connection:
        assert connection.execute("select count(*) from t").fetchone() == (20,)
    assert len(owners(auto.file)) == 1


@pytest.mark.parametrize("names", [("a.duckdb", "b.duckdb"), ("x/a.duckdb", "y/a.duckdb")])
def test_files_have_owners_of_their_own(auto, place, names):
    files = [place.file(name) for name in names]
    for file in files:
        file.parent.mkdir(exist_ok=True)
    urls = [race(auto, 5, file) for file in files]
    assert urls[0] != urls[1]
    assert auto.pid(files[0]) != auto.pid(files[1])


def test_a_link_and_its_file_have_one_owner(auto, place):
    auto.url()
    link = place.file("link.duckdb")
    link.symlink_to(auto.file)
    other = place.path / "folder" / ".." / auto.file.name
    (place.path / "folder").mkdir()
    assert auto.pid(link) == auto.pid() == auto.pid(other)
    auto.used.add(link)
    assert auto.url(link) and len(owners(auto.file)) == 1


def test_two_servers_of_one_file(auto):
    """The second says who has the file, and leaves the first alone."""
    auto.url()
    done = auto.cli("serve", auto.file, "--socket-dir", auto.place.path / "s2")
    assert done.code == 1, done
    assert str(auto.pid()) in done.err, done
    with auto.connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,)
