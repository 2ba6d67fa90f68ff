"""docs/CLIENTS.md names exactly the clients and checks that there are tests for, and what those expect."""

import ast
import re
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]


def calls():
    """(client, {check: words}, checks that are expected to fail) of each client_checks(…) in tests/clients."""
    for path in sorted((REPO / "tests/clients").glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "client_checks":
                failing = next((word.value for word in node.keywords if word.arg == "failing"), None)
                expected = {key.value for key in failing.keys} if failing else set()
                yield ast.literal_eval(node.args[0]), ast.literal_eval(node.args[1]), expected


def documented():
    text = (REPO / "docs/CLIENTS.md").read_text()
    for section in text.split("\n## ")[1:]:
        rows = re.findall(r"^\| (.+) \| (yes|no: .+) \|$", section, re.MULTILINE)
        yield section.splitlines()[0], {words: answer for words, answer in rows}


def test_the_document_is_what_the_tests_say():
    tested = {client: {words: check not in failing for check, words in checks.items()} for client, checks, failing in calls()}
    assert len(tested) > 6
    written = {client: {words: answer == "yes" for words, answer in rows.items()} for client, rows in documented()}
    assert written == tested, "./test --clients-document writes it anew"
