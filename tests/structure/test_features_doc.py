"""docs/FEATURES.md: nothing without a proof, and every test that any document names exists."""

import re
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
DOCUMENTS = [REPO / "README.md", REPO / "CHANGELOG.md", *sorted((REPO / "docs").rglob("*.md"))]
NAMED = re.compile(r"`((?:tests|src)/[\w/]+\.(?:py|cc)|(?:crash|integration|isolation|structure)/\w+\.py)(?:::([\w.*]+))?`")
PYTHON_TEST = re.compile(r"^\s*(?:async )?def (test_\w+)", re.MULTILINE)
GOOGLE_TEST = re.compile(r"^(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", re.MULTILINE)


def names_in(path):
    text = path.read_text()
    if path.suffix == ".py":
        return set(PYTHON_TEST.findall(text))
    pairs = GOOGLE_TEST.findall(text)
    return {f"{suite}.{name}" for suite, name in pairs} | {f"{suite}.*" for suite, _ in pairs}


def missing(text):
    """What a text names and the tree does not have."""
    for name, test in NAMED.findall(text):
        path = REPO / name if name.startswith(("tests/", "src/")) else REPO / "tests" / name
        if not path.is_file():
            yield name
        elif test and test not in names_in(path):
            yield f"{name}::{test}"


def google_tests():
    found = set()
    for path in (REPO / "src").rglob("*_test.cc"):
        found |= names_in(path)
    return found


def test_the_checks_see_what_is_wrong():
    assert list(missing("`tests/crash/test_nothing.py::test_x`")) == ["tests/crash/test_nothing.py"]
    assert list(missing("`crash/test_leaving.py::test_x`")) == ["crash/test_leaving.py::test_x"]
    assert list(missing("`src/os/lock_test.cc::OfdLock.Nothing`")) == ["src/os/lock_test.cc::OfdLock.Nothing"]
    assert list(missing("`src/os/lock_test.cc::OfdLock.*` `tests/crash/test_leaving.py::test_stop`")) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPO)))
def test_every_named_test_exists(document):
    assert list(missing(document.read_text())) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPO)))
def test_every_named_googletest_exists(document):
    known = google_tests()
    suites = {name.split(".")[0] for name in known}
    named = re.findall(r"`([A-Z]\w+\.(?:[A-Z]\w+|\*))`", document.read_text())
    assert [name for name in named if name not in known and (name.split(".")[0] in suites or "Test." in name)] == []


def test_every_feature_has_a_proof():
    lines = [line for line in (REPO / "docs/FEATURES.md").read_text().splitlines() if line.startswith("| ")]
    features = [line for line in lines if line != "| Feature | Proof |"]
    assert len(features) > 60
    unproven = [line for line in features if not NAMED.search(line.split(" | ")[-1])]
    assert unproven == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPO)))
def test_links_lead_somewhere(document):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if target.startswith(("http:", "https:")):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name) if name else document
        if not path.exists():
            broken.append(target)
        elif anchor and anchor not in anchors(path):
            broken.append(target)
    assert broken == []


def anchors(path):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
