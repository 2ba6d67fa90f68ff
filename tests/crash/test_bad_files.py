"""Files and folders that cannot be served: the error says what, where, and what to do; nothing is changed."""

import json
import os
import pwd
import shutil
import socket

import pytest

from harness.paths import PROGRAM, USER
from harness.plain import plain_duckdb
from harness.process import run, run_python_as

NOBODY = pwd.getpwnam("nobody")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be another user")


def refused(auto, file, *words, command="url"):
    """Every door to an owner says the same; the words are in the message."""
    done = auto.cli(command, file, *(["select 1"] if command == "sql" else []))
    assert done.code == 1, done
    text = done.err
    assert "\n  at " not in text and "terminate called" not in text
    for word in words:
        assert word in text, (word, text)
    return text


@pytest.mark.parametrize("command", ["url", "sql", "serve"])
def test_not_a_duckdb_file(auto, place, command):
    file = place.file("notes.txt")
    file.write_bytes(b"just some text that is no database at all\n" * 1000)
    before = file.read_bytes()
    refused(auto, file, str(file), "not a DuckDB", command=command)
    assert file.read_bytes() == before


@pytest.mark.parametrize("size", [1, 7, 11, 100, 4095])
def test_a_file_too_short_to_be_one(auto, place, size):
    file = place.file("short.duckdb")
    file.write_bytes(b"DUCK" * size)
    file.write_bytes(file.read_bytes()[:size])
    refused(auto, file, str(file))
    assert file.stat().st_size == size


def test_an_empty_file_is_a_new_database(auto):
    auto.file.touch()
    with auto.connect() as connection:
        connection.execute("create table t as select 1 as i")
    assert auto.stop().code == 0
    assert plain_duckdb(auto.file, "select i from t") == [(1,)]


@pytest.mark.parametrize("command", ["url", "serve"])
def test_a_newer_storage_version(auto, place, command):
    plain_duckdb(auto.file, "create table t(i integer)")
    content = bytearray(auto.file.read_bytes())
    assert content[8:12] == b"DUCK"
    content[12:20] = (250).to_bytes(8, "little")
    auto.file.write_bytes(content)
    refused(auto, auto.file, str(auto.file), "250", command=command)
    assert auto.file.read_bytes() == bytes(content)


def test_a_folder_instead_of_a_file(auto, place):
    (place.path / "folder").mkdir()
    refused(auto, place.path / "folder", "folder", "directory")


@pytest.mark.parametrize("kind", ["fifo", "socket", "device"])
def test_no_regular_file(auto, place, kind):
    file = place.file("odd.duckdb")
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(file))
    else:
        file.symlink_to("/dev/null")
    refused(auto, file, "regular file")


def test_a_missing_folder(auto, place):
    file = place.path / "no" / "such" / "t.duckdb"
    refused(auto, file, str(place.path / "no"))
    assert not (place.path / "no").exists()


def test_a_missing_folder_is_made_when_asked(auto, place):
    file = place.path / "new" / "one" / "t.duckdb"
    auto.url(file, env={"MERGANSER_CREATE_PARENTS": "true"})
    assert file.parent.is_dir()


def test_a_socket_path_that_is_too_long(auto, place):
    folder = place.path / ("x" * 100)
    done = auto.cli("serve", auto.file, "--socket-dir", folder)
    assert done.code == 1 and "107" in done.err and "socket" in done.err, done


def test_a_long_database_path_is_fine(auto, place):
    folder = place.path / ("d" * 120) / ("e" * 120)
    folder.mkdir(parents=True)
    with auto.connect(folder / ("f" * 100 + ".duckdb")) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize(
    "name",
    [
        "with space.duckdb",
        "ünïcode €.duckdb",
        "quote'\"\\.duckdb",
        "no_suffix",
        ".hidden",
        "a.b.c.db",
        "select.duckdb",
        "main.duckdb",
        "memory.duckdb",
        "temp.duckdb",
        "system.duckdb",
        "1.duckdb",
        "%41.duckdb",
        "a#b&c=d.duckdb",
        "-dash.duckdb",
    ],
)
def test_odd_names(auto, place, name):
    file = place.file(name)
    with auto.connect(file) as connection:
        connection.execute("create table t as select 42 as i")
        assert connection.execute("select i from t").fetchone() == (42,)
    assert auto.stop(file).code == 0
    assert plain_duckdb(file, "select i from t") == [(42,)]


def test_a_name_with_a_question_mark(auto, place):
    """DuckDB takes what follows for the parameters of a URL and puts the log elsewhere: refused, or right all the way."""
    file = place.file("what?.duckdb")
    done = auto.cli("url", file)
    if done.code != 0:
        assert "?" in done.err and not file.exists(), done
        return
    with auto.connect(file) as connection:
        connection.execute("create table t as select 42 as i")
    auto.kill_owner(file)
    with auto.connect(file) as connection:
        assert connection.execute("select i from t").fetchone() == (42,)


def as_nobody(place, *arguments):
    """Runs the program as nobody, from a copy that nobody may read."""
    code = (
        "done = subprocess.run(json.loads(sys.argv[1]), env=json.loads(sys.argv[2]), capture_output=True, text=True, timeout=50)\n"
        "print(json.dumps([done.returncode, done.stdout, done.stderr]))"
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(place.path), "XDG_RUNTIME_DIR": str(place.path / "nobody"),
                   "LD_LIBRARY_PATH": str(place.library)}  # fmt: skip
    done = run_python_as(NOBODY, code, json.dumps([str(place.program), *map(str, arguments)]), json.dumps(environment))
    assert done.code == 0, done
    return json.loads(done.out)


@pytest.fixture
def nobody_place(place):
    """A place that nobody can enter, with a copy of the program and its library that nobody can run."""
    place.path.chmod(0o755)
    (place.path / "nobody").mkdir()
    shutil.chown(place.path / "nobody", NOBODY.pw_uid, NOBODY.pw_gid)
    (place.path / "nobody").chmod(0o700)
    program = place.path / "bin" / "merganser"
    library = place.path / "lib" / "merganser"
    program.parent.mkdir()
    library.mkdir(parents=True)
    shutil.copy(PROGRAM, program)
    linked = run(["ldd", PROGRAM]).out
    for line in linked.splitlines():
        if "libduckdb.so" in line:
            shutil.copy(line.split("=>")[1].split()[0], library / "libduckdb.so")
    place.program = program
    place.library = library
    return place


@needs_root
def test_a_file_without_permission(auto, nobody_place):
    plain_duckdb(auto.file, "create table t(i integer)")
    auto.file.chmod(0o600)
    code, out, err = as_nobody(nobody_place, "url", auto.file)
    assert code == 1 and str(auto.file) in err, (code, out, err)
    assert "ermission" in err or "owned by" in err, err
    assert auto.endpoint_pid() is None


@needs_root
def test_another_user_s_file_that_may_be_written(auto, nobody_place):
    """An owner never starts as another user than the file's: it would leave files behind that its owner cannot change."""
    plain_duckdb(auto.file, "create table t(i integer)")
    auto.file.chmod(0o666)
    code, out, err = as_nobody(nobody_place, "url", auto.file)
    assert code == 1 and USER in err, (code, out, err)
    assert auto.endpoint_pid() is None


@needs_root
def test_another_user_does_not_get_into_a_running_owner(auto, nobody_place):
    auto.url()
    auto.file.chmod(0o666)
    code, out, err = as_nobody(nobody_place, "sql", auto.file, "select 1")
    assert code == 1 and "1\n" not in out, (code, out, err)
    with auto.connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


@needs_root
def test_a_read_only_folder(auto, nobody_place):
    """Root may write everywhere; nobody's own read-only folder shows it."""
    folder = nobody_place.path / "nobody" / "ro"
    folder.mkdir()
    plain_duckdb(folder / "t.duckdb", "create table t(i integer)")
    for path in (folder / "t.duckdb", folder):
        shutil.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    folder.chmod(0o555)
    code, out, err = as_nobody(nobody_place, "url", folder / "t.duckdb")
    assert code == 1 and str(folder) in err, (code, out, err)


def test_the_reason_is_the_same_a_second_time(auto, place):
    """The breaker answers with the stored error for a while; it must still be the true one."""
    file = place.file("notes.txt")
    file.write_bytes(b"no database" * 1000)
    first = refused(auto, file, "not a DuckDB")
    assert refused(auto, file, "not a DuckDB") == first
    file.unlink()
    with auto.connect(file) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
