"""The house rules that a machine can check: layers, sizes, words, and one version of DuckDB."""

import json
import re
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
SOURCE = REPO / "src"
PUBLIC = REPO / "include"

# A room may include itself and rooms of lower rank. Rooms of one rank know nothing of each other.
RANK = {
    "base": 0,
    "os": 1,
    "auth": 2,
    "engine": 2,
    "dialect": 3,
    "coordinator": 4,
    "readers": 4,
    "session": 5,
    "pgwire": 6,
    "http": 6,
    "mcp": 6,
    "net": 7,
    "owner": 7,
    "cli": 8,
}
MAX_LINES = 500
FORBIDDEN_WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK|WIP|TBD)\b(?!\d)")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
CODE_SUFFIXES = {".h", ".cc", ".c", ".py", ".js", ".mjs", ".sh", ".cmake", ".sql", ""}


def allowed(room, target):
    return room == target or RANK[target] < RANK[room]


def code_files(*folders):
    skipped = {"node_modules", "__pycache__", "corpus", ".pytest_cache"}
    for folder in folders:
        for path in sorted((REPO / folder).rglob("*")):
            if path.is_file() and path.suffix in CODE_SUFFIXES and not skipped & set(path.parts):
                yield path


def source_files():
    return [path for path in code_files("src", "include") if path.suffix in (".h", ".cc")]


def includes(path):
    """(quoted, name) of each #include in a file."""
    return [(bracket == '"', name) for bracket, name in INCLUDE.findall(path.read_text())]


def name_of(path):
    return str(path.relative_to(REPO))


def test_there_are_sources():
    assert len(source_files()) > 20, "the other tests would pass on nothing"


def test_every_folder_is_a_known_room():
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir()}
    assert rooms <= set(RANK), f"give these rooms a rank here and a place in docs/ARCHITECTURE.md: {rooms - set(RANK)}"


def test_no_include_points_up():
    wrong = []
    for path in source_files():
        if not path.is_relative_to(SOURCE):
            continue
        room = path.relative_to(SOURCE).parts[0]
        for quoted, name in includes(path):
            target = name.split("/")[0]
            if quoted and target in RANK and not allowed(room, target):
                wrong.append(f"{name_of(path)} includes {name}")
    assert not wrong, "includes must point down:\n" + "\n".join(wrong)


def test_own_headers_are_named_from_the_root():
    """"room/header.h" and nothing relative: else the test above could not see which room is meant."""
    wrong = []
    for path in source_files():
        for quoted, name in includes(path):
            if quoted and (".." in name or "/" not in name) and name != "duckdb.h":
                wrong.append(f"{name_of(path)} includes {name}")
            elif quoted and name.split("/")[0] in RANK and not (SOURCE / name).is_file():
                wrong.append(f"{name_of(path)} includes {name}, which is not there")
    assert not wrong, "\n".join(wrong)


def test_only_the_engine_knows_duckdb():
    wrong = [
        name_of(path)
        for path in source_files()
        for _, name in includes(path)
        if Path(name).name.startswith("duckdb") and not path.is_relative_to(SOURCE / "engine")
    ]
    assert not wrong, f"duckdb.h belongs to src/engine: {wrong}"


def test_public_headers_need_no_private_ones():
    wrong = [
        f"{name_of(path)} includes {name}"
        for path in code_files("include")
        for quoted, name in includes(path)
        if quoted and not name.startswith("merganser/")
    ]
    assert not wrong, "\n".join(wrong)


def test_headers_are_guarded_and_say_what_they_are():
    wrong = []
    for path in source_files():
        if path.suffix != ".h":
            continue
        text = path.read_text()
        if "#pragma once" not in text:
            wrong.append(f"{name_of(path)}: no #pragma once")
        if not text.startswith("//"):
            wrong.append(f"{name_of(path)}: does not open with its purpose")
    assert not wrong, "\n".join(wrong)


def test_files_are_small():
    long = {}
    for path in code_files("src", "include", "tests", "bench", "tools", "demo"):
        lines = path.read_text(errors="replace").count("\n")
        if lines > MAX_LINES:
            long[name_of(path)] = lines
    assert not long, f"more than {MAX_LINES} lines; split them: {long}"


def test_nothing_is_left_for_later():
    found = []
    for path in code_files("src", "include", "tests", "bench", "tools", "demo", "cmake"):
        if path == Path(__file__).resolve():
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if FORBIDDEN_WORDS.search(line):
                found.append(f"{name_of(path)}:{number}: {line.strip()}")
    assert not found, "\n".join(found)


def test_no_room_below_the_command_line_ends_the_process():
    """exit() skips destructors that give locks back; rooms that own processes may."""
    wrong = []
    for path in source_files():
        room = path.relative_to(SOURCE).parts[0] if path.is_relative_to(SOURCE) else ""
        if room in ("", "cli", "os", "owner") or path.name.endswith("_test.cc"):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = line.split("//")[0]
            if re.search(r"(?<![\w.>])(?:std::|::)?(?:exit|quick_exit|abort)\s*\(", code):
                wrong.append(f"{name_of(path)}:{number}: {line.strip()}")
    assert not wrong, "\n".join(wrong)


def test_one_version_of_duckdb():
    pinned = json.loads((REPO / "deps" / "package.json").read_text())["dependencies"]["@duckdb/node-bindings-linux-x64"]
    version = re.match(r"\d+\.\d+\.\d+", pinned).group()
    for list_name in ("requirements.txt", "requirements.lock"):
        text = (REPO / "tests" / list_name).read_text()
        assert re.findall(r"^duckdb==([\w.]+)", text, re.MULTILINE) == [version], list_name


@pytest.mark.parametrize("folder", ["deps", "tests/clients"])
def test_npm_locks_are_pinned(folder):
    wanted = json.loads((REPO / folder / "package.json").read_text())["dependencies"]
    lock = json.loads((REPO / folder / "package-lock.json").read_text())["packages"]
    loose = [name for name, version in wanted.items() if not re.fullmatch(r"\d+\.\d+\.\d+[\w.-]*", version)]
    assert not loose, f"not an exact version: {loose}"
    for name, version in wanted.items():
        assert lock[f"node_modules/{name}"]["version"] == version, name
    unhashed = [name for name, entry in lock.items() if name and "integrity" not in entry]
    assert not unhashed, f"no hash: {unhashed}"
    resolved = [name for name, entry in lock.items() if "resolved" in entry]
    assert not resolved, f"the lock names a host, which is not everybody's: {resolved}"


def test_python_locks_are_hashed():
    for name in ("requirements.lock", "data.lock"):
        text = (REPO / "tests" / name).read_text().replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        assert lines, name
        for line in lines:
            assert re.match(r"[\w.\[\],-]+==[\w.]+\s.*--hash=sha256:[0-9a-f]{64}", line), f"{name}: {line[:80]}"
