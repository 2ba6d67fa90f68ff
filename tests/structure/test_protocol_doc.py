"""docs/PROTOCOL.md names every SQLSTATE that the error table has, and no other."""

import re
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]


def test_the_table_of_sqlstates_is_complete():
    table = set(re.findall(r'\{k\w+, "([0-9A-Z]{5})", \d+,', (REPO / "src/base/error.cc").read_text()))
    assert len(table) > 50
    documented = set(re.findall(r"`([0-9A-Z]{5})`", (REPO / "docs/PROTOCOL.md").read_text()))
    assert documented == table - {"00000"}
