"""Adds up the reports of ctest, GoogleTest, pytest and the fuzzers in one folder.

The last line it prints is "N passed, N failed". The exit code is 1 when a test failed, when no test ran, or when a
report that must be there is missing: a runner that died counts as a failure.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def read_gtest(path):
    """(passed, failed) of one GoogleTest report, or None when the program died before it wrote one."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return None
    failed = int(root.get("failures", 0)) + int(root.get("errors", 0))
    skipped = sum(1 for case in root.iter("testcase") if case.get("result") == "skipped")
    tests = int(root.get("tests", 0)) - int(root.get("disabled", 0)) - skipped
    return tests - failed, failed


def sum_ctest(folder):
    report = folder / "ctest.xml"
    if not report.exists():
        return 0, 1
    passed = failed = 0
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        status = case.get("status")
        if status in ("notrun", "disabled") and case.find("failure") is None:
            failed += 1 if status == "notrun" else 0
            continue
        case_ok = status == "run"
        name = case.get("name", "")
        counts = read_gtest(folder / "unit" / f"{name.removeprefix('unit.')}_test.xml")
        if counts is None:
            counts = (1, 0) if case_ok else (0, 1)
        elif not case_ok and counts[1] == 0:
            # Every case passed, but the program did not end well: a leak, a timeout, a crash on the way out.
            counts = (counts[0], 1)
        passed += counts[0]
        failed += counts[1]
    return passed, failed


def sum_pytest(folder):
    report = folder / "pytest.xml"
    if not report.exists():
        return 0, 1
    passed = failed = 0
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        failed += bad
        passed += int(suite.get("tests", 0)) - bad - int(suite.get("skipped", 0))
    return passed, failed


def sum_fuzzers(folder):
    results = [line.split()[1] for line in (folder / "fuzz.txt").read_text().splitlines()]
    return results.count("passed"), results.count("failed")


def main():
    folder = Path(sys.argv[1])
    if (folder / "fuzz.txt").exists():
        parts = [sum_fuzzers(folder)]
    else:
        parts = [sum_ctest(folder), sum_pytest(folder)]
    passed = sum(part[0] for part in parts)
    failed = sum(part[1] for part in parts)
    if passed + failed == 0:
        print("no test ran", file=sys.stderr)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
