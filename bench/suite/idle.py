"""Memory of connections that do nothing: a thousand of them, fresh and after a statement each."""

import contextlib
import time
from pathlib import Path

from . import processes
from .samples import Comparison, Table

NAME = "idle_connections"
CONNECTIONS = 1000
LIMIT_MIB = 128
SETTLE_S = 1
FRESH, USED = "just connected", "after a prepared select each"


def family(pid):
    """The process and its children: PostgreSQL has one a connection."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def resident_mib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise processes.Failure(f"process {pid} is gone")


def private_mib(pid):
    """Shared memory counted once however many map it; else a thousand processes would look a thousand times as big."""
    kib = 0
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(("Private_Clean:", "Private_Dirty:")):
            kib += int(line.split()[1])
    return kib / 1024


def memory_mib(server):
    members = family(server.process.pid)
    if len(members) == 1:
        return resident_mib(members[0])
    return sum(private_mib(pid) for pid in members)


def run(bed):
    table = Table(
        NAME,
        f"memory of the server with {CONNECTIONS:,} idle connections, over that with none",
        "MiB",
        [Comparison("× PostgreSQL", "PostgreSQL")],
        digits=1,
    )
    rounds = 1 if bed.quick else 3
    for _ in range(rounds):
        # A server of its own each time: memory that was freed may stay with the process and hide the next round's.
        with bed.working_files("idle.duckdb") as (file,), bed.merganser(file) as merganser:
            for server in (merganser, bed.postgres, bed.null):
                measure(table, server)
    table.notes.append("PostgreSQL has a process a connection: the sum of their private memory")
    table.target(
        f"{CONNECTIONS:,} connections, {FRESH}", table.get("merganser", FRESH).spread, at_most=LIMIT_MIB, unit="MiB"
    )
    return table


def measure(table, server):
    with server.connect() as first:
        first.execute("select 1")  # what the first query of all needs is not a connection's
    time.sleep(SETTLE_S)
    before = memory_mib(server)
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in range(CONNECTIONS)]
        time.sleep(SETTLE_S)
        table.add(server.name, FRESH, memory_mib(server) - before)
        for number, connection in enumerate(connections):
            connection.execute("select 41 + %s::int", (number,), prepare=True)
        time.sleep(SETTLE_S)
        table.add(server.name, USED, memory_mib(server) - before)


def allow_many_files():
    """A thousand sockets are more than the usual soft limit."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * CONNECTIONS
    if soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
