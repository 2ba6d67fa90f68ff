"""The tarball and the .deb hold a program that works without the source tree."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MERGANSER_BUILD_DIR", REPO / "build" / "release"))


def run(*command, **keywords):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **keywords)
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """A folder with freshly made packages; the ones that a person keeps in build/packages are left alone."""
    folder = tmp_path_factory.mktemp("packages")
    # gzip instead of xz: half a minute less, and nothing else in the package changes.
    fast = ("-D", "CPACK_DEBIAN_COMPRESSION_TYPE=gzip")
    run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", folder, *fast, cwd=folder)
    return folder


def only(folder, pattern):
    found = list(folder.glob(pattern))
    assert len(found) == 1, f"{pattern} in {folder}: {found}"
    return found[0]


@pytest.fixture(scope="session")
def unpacked(packages, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    run("tar", "xzf", only(packages, "*.tar.gz"), "-C", folder)
    return only(folder, "merganser-*")


@pytest.fixture
def home(tmp_path):
    """An environment of a user who has nothing but the package, in a folder short enough for a socket's name."""
    run_dir = tmp_path / "run"
    run_dir.mkdir(mode=0o700)
    return {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(run_dir), "LC_ALL": "C.UTF-8"}


def project_version():
    return re.search(r"project\(merganser VERSION ([\d.]+)", (REPO / "CMakeLists.txt").read_text()).group(1)


def test_tarball_holds_the_documents(unpacked):
    for name in ("bin/merganser", "lib/merganser/libduckdb.so", "share/doc/merganser/LICENSE",
                 "share/doc/merganser/LICENSE.duckdb", "share/doc/merganser/CHANGELOG.md"):
        assert (unpacked / name).is_file(), name
    for document in ("README.md",):
        assert (unpacked / "share/doc/merganser" / document).is_file() == (REPO / document).is_file(), document


def test_unpacked_program_uses_its_own_libduckdb(unpacked, home):
    listed = run("ldd", unpacked / "bin" / "merganser", env=home)
    used = [line.split("=>")[1].split()[0] for line in listed.splitlines() if "libduckdb" in line]
    assert [Path(path).resolve() for path in used] == [(unpacked / "lib/merganser/libduckdb.so").resolve()], listed
    assert "not found" not in listed


def test_nothing_in_the_program_names_the_source_tree(unpacked):
    dynamic = run("readelf", "-d", unpacked / "bin" / "merganser")
    paths = re.findall(r"Library r(?:un)?path: \[(.*)\]", dynamic)
    assert paths == ["$ORIGIN/../lib/merganser"], dynamic


def test_unpacked_program_says_its_version(unpacked, home):
    assert project_version() in run(unpacked / "bin" / "merganser", "--version", env=home)


def test_unpacked_program_owns_a_file(unpacked, home, tmp_path):
    program = unpacked / "bin" / "merganser"
    database = tmp_path / "p.duckdb"
    try:
        run(program, "sql", database, "CREATE TABLE t AS SELECT range AS i FROM range(10)", env=home, cwd=tmp_path)
        out = run(program, "sql", database, "SELECT sum(i) AS total FROM t", "--format", "csv", env=home, cwd=tmp_path)
        assert out.split() == ["total", "45"]
    finally:
        run(program, "stop", database, env=home, cwd=tmp_path)


def test_deb_declares_what_it_needs(packages):
    deb = only(packages, "*.deb")
    fields = run("dpkg-deb", "--field", deb)
    depends = re.search(r"^Depends: (.*)$", fields, re.MULTILINE)
    assert depends, fields
    for library in ("libc6", "libssl3", "libstdc++6"):
        assert library in depends.group(1), depends.group(1)
    assert "duckdb" not in depends.group(1), "libduckdb is inside the package"
    assert re.search(rf"^Version: {re.escape(project_version())}", fields, re.MULTILINE)


def test_deb_holds_a_working_program(packages, home, tmp_path):
    root = tmp_path / "root"
    run("dpkg-deb", "--extract", only(packages, "*.deb"), root)
    assert project_version() in run(root / "usr/bin/merganser", "--version", env=home)
    assert (root / "usr/lib/merganser/libduckdb.so").is_file()


def test_cmake_install_into_a_prefix(tmp_path, home):
    prefix = tmp_path / "prefix"
    run("cmake", "--install", BUILD, "--prefix", prefix)
    assert project_version() in run(prefix / "bin" / "merganser", "--version", env=home)
    shutil.rmtree(prefix)
