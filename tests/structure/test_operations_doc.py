"""docs/OPERATIONS.md names every setting, status field and log event there is, in their own words, and no other."""

import re
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
DOCUMENT = (REPO / "docs/OPERATIONS.md").read_text()


def section(title):
    return DOCUMENT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text):
    """The cells of each table row; a bar inside a cell is written with a backslash."""
    for line in text.splitlines():
        if line.startswith("| "):
            yield [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_every_setting_with_its_meaning():
    source = (REPO / "src/cli/settings.cc").read_text()
    specs = re.findall(r'\{"(\w+)", &S::\w+,[^"]*"((?:[^"\\]|\\.)*)"\}', source)
    assert len(specs) > 30
    settings = {cells[0].strip("`"): cells[-1] for cells in rows(section("Settings")) if cells[0].startswith("`")}
    assert settings == dict(specs)


def test_every_status_field():
    source = (REPO / "src/cli/owner_process.cc").read_text()
    body = source.split("std::string OwnerProcess::status_json() {")[1].split("\n}\n")[0]
    top = set(re.findall(r'status\["(\w+)"\]', body))
    gathered = (REPO / "src/cli/owner_status.cc").read_text().split("std::string unit_of(")[0]
    inner = set(re.findall(r'\badd\("(\w+)", ', gathered)) | set(re.findall(r'\{"\w+", "(\w+)", ', gathered))
    counters = (REPO / "src/coordinator/shape.h").read_text()
    names = re.search(r"kNotCoalescedNames\{([^}]*)\}", counters).group(1)
    inner |= {f"not_{name}" for name in re.findall(r'"(\w+)"', names) if name != "none"}
    latencies = re.search(r"kLatencyNames\{([^}]*)\}", (REPO / "src/session/activity.h").read_text()).group(1)
    inner |= {f"{name}_latency_us" for name in re.findall(r'"(\w+)"', latencies)}
    top |= set(re.findall(r'\{"(\w+)", name, ', gathered)) | set(re.findall(r'\{"(\w+)", "\w+", ', gathered))
    assert len(top) > 15 and len(inner) > 60
    words = set(re.findall(r"`(\w+)`", section("Status")))
    missing = (top | {name for name in inner if not name.endswith("bytes")}) - words
    assert not missing, f"in status_json and not in docs/OPERATIONS.md: {missing}"


def test_every_column_of_the_live_tables():
    words = set(re.findall(r"`(\w+)`", section("Who is doing what")))
    for path, function in (("session/activity.cc", "activity_columns"), ("cli/owner_status.cc", "statistics_columns")):
        body = (REPO / "src" / path).read_text().split(f" {function}() {{")[1].split("\n}\n")[0]
        columns = set(re.findall(r'\{"(\w+)", LiveType', body))
        assert len(columns) > 8
        assert not columns - words, f"not in docs/OPERATIONS.md: {columns - words}"


def test_every_log_event():
    events = set()
    for path in (REPO / "src").rglob("*.cc"):
        if not path.name.endswith("_test.cc"):
            events |= set(re.findall(r'log\(\s*LogLevel::k\w+,\s*"([\w.]+)"', path.read_text()))
    assert len(events) > 15
    documented = {name for cells in rows(section("Logs")) for name in re.findall(r"`([\w.]+)`", cells[0])}
    assert documented == events


def test_limits_name_settings_that_exist():
    source = (REPO / "src/cli/settings.cc").read_text()
    named = {name for cells in rows(section("Limits")) for name in re.findall(r"`(\w+)`", cells[1])}
    assert named and all(f'{{"{name}", &S::' in source for name in named), named
