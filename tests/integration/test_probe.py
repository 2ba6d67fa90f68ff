"""`merganser probe`: with plain DuckDB every reader fails at connect; through Merganser everything works."""

import json

import pytest

SMALL = ["--rows", "500", "--dims", "16", "--duration", "2"]
NUMBERS = ["reads_ok", "reads_err", "writes_ok", "writes_err", "fresh_read_iterations", "fresh_read_results"]


def probe(auto, *arguments):
    done = auto.cli("probe", auto.file, "--json", *SMALL, *arguments, timeout=90)
    report = json.loads(done.out)
    for key in NUMBERS:
        assert isinstance(report[key], int), report
    return done.code, report


@pytest.mark.parametrize("writers", [1, 3])
def test_merganser(auto, writers):
    auto.used.add(auto.file)
    code, report = probe(auto, "--backend", "merganser", "--readers", "3", "--writers", writers)
    assert code == 0, report
    assert report["reads_err"] == 0 and report["writes_err"] == 0, report
    assert min(report[k] for k in ("reads_ok", "writes_ok", "fresh_read_iterations", "fresh_read_results")) > 0, report


def test_plain_duckdb(auto):
    code, report = probe(auto, "--backend", "duckdb", "--readers", "2", "--writers", "1")
    assert code == 0, report
    assert report["writes_ok"] > 0 and report["reads_ok"] == 0 and report["reads_err"] >= 2, report
    text = json.dumps(report)
    assert "Could not set lock on file" in text and "Conflicting lock is held" in text


def test_text(auto):
    auto.used.add(auto.file)
    done = auto.cli("probe", auto.file, *SMALL, "--write-interval", "5ms", "--read-interval", "5ms", timeout=90)
    assert done.code == 0, done
    assert "reads" in done.out and "writes" in done.out


def test_what_cannot_hold_is_not_zero(auto):
    """Without readers there are no fresh reads: the promise was not shown, and the exit code says so."""
    done = auto.cli("probe", auto.file, "--readers", "0", "--json", *SMALL, timeout=90)
    auto.used.add(auto.file)
    assert done.code in (1, 2), done
