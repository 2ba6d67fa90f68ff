"""docs/CLIENTS.md, written by the tests of the clients themselves (./test --clients-document).

A pytest plugin: `-p harness.clients_document --clients-document FILE`. It gathers what became of each test with the mark
`client` and writes the file when all have run.
"""

from pathlib import Path

HEAD = """# Clients

What works with which client, as the tests found it: `./test --clients-document` runs them against a server of this
source tree, over TCP with a password and TLS and over the Unix socket, and writes this page. Each line is a test in
`tests/clients`; a line that says *no* is expected to fail, and the tests fail when it works and this page does not say so.

Clients that the other suites use all over have suites of their own: psql, pgbench, psycopg 3 (sync, async, pipelines),
psycopg2, asyncpg, node-postgres with cursors and streams, SQLAlchemy (`tests/integration`).
"""


def pytest_addoption(parser):
    parser.addoption("--clients-document", help="write docs/CLIENTS.md from what the clients' tests come to")


def pytest_configure(config):
    path = config.getoption("--clients-document")
    if path:
        config.pluginmanager.register(Document(Path(path)), "clients-document-writer")


class Document:
    def __init__(self, path):
        self.path = path
        self.clients = {}  # client: {check: (words, outcome)}
        self.of_item = {}

    def pytest_collection_modifyitems(self, items):
        for item in items:
            mark = item.get_closest_marker("client")
            if mark:
                client, checks = mark.args
                check = item.callspec.params["check"]
                self.of_item[item.nodeid] = (client, check)
                self.clients.setdefault(client, {})[check] = [checks[check], "not run"]

    def pytest_runtest_logreport(self, report):
        found = self.of_item.get(report.nodeid)
        if not found:
            return
        client, check = found
        if report.when == "call" or report.outcome == "failed":
            expected = getattr(report, "wasxfail", None)
            answer = "yes" if report.passed and not expected else f"no: {expected}" if expected else "FAILED"
            self.clients[client][check][1] = answer

    def pytest_sessionfinish(self, session):
        broken = [f"{c}: {k}" for c, checks in self.clients.items() for k, (_, o) in checks.items() if o in ("FAILED", "not run")]
        if broken or not self.clients:
            session.config.get_terminal_writer().line(f"{self.path} was not written: {broken or 'no client was tested'}")
            return
        self.path.write_text(HEAD + "".join(self.section(client) for client in sorted(self.clients, key=str.lower)))

    def section(self, client):
        checks = self.clients[client].values()
        works = sum(outcome == "yes" for _, outcome in checks)
        lines = [f"\n## {client}\n", f"{works} of {len(checks)}.\n", "| What | Works |", "|---|---|"]
        return "\n".join(lines + [f"| {words} | {outcome} |" for words, outcome in checks]) + "\n"
