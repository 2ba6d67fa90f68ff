"""pgbench with a script of our own: transactions a second, and each transaction's time when asked for."""

import re
from pathlib import Path

from . import processes
from .processes import Failure

TPS = re.compile(r"^tps = ([0-9.]+) \(without initial connection time\)", re.MULTILINE)
DONE = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)
FAILED = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)
# One thread drives a few hundred thousand messages a second; with more than two, client and server fight for the
# processors of a small machine.
MAX_THREADS = 2
CONNECTING_S = 5


class Result:
    def __init__(self, tps, done, times_us):
        self.tps, self.done, self.times_us = tps, done, times_us

    def quantile_ms(self, q):
        return self.times_us[int(q * (len(self.times_us) - 1))] / 1000


def run(programs, server, script, *, seconds, **options):
    """`script` is SQL with pgbench's own commands. Any failed transaction is a Failure: a wrong answer is not fast."""
    result = run_once(programs, server, script, seconds=seconds, **options)
    if result.done == 0:
        # The seconds begin before the clients connect; on a slow day connecting takes them all.
        result = run_once(programs, server, script, seconds=seconds + CONNECTING_S, **options)
    if result.done == 0:
        raise Failure(f"pgbench did nothing with {server.name} in {seconds + CONNECTING_S} s")
    return result


def run_once(programs, server, script, *, mode, clients, seconds, folder, log=False, variables=()):
    folder = Path(folder)
    path = folder / "script.sql"
    path.write_text(script)
    command = [Path(programs) / "pgbench", *server.libpq_arguments, "--no-vacuum", "-M", mode]
    command += ["-c", clients, "-j", min(clients, MAX_THREADS), "-T", max(1, round(seconds)), "-f", path]
    command += [word for name, value in variables for word in ("-D", f"{name}={value}")]
    if log:
        for old in folder.glob("times.*"):
            old.unlink()
        command += ["--log", f"--log-prefix={folder / 'times'}"]
    said = processes.run([*command, server.database])
    tps, done, failed = TPS.search(said), DONE.search(said), FAILED.search(said)
    if not done or (failed and int(failed.group(1)) > 0) or (not tps and int(done.group(1)) > 0):
        raise Failure(f"pgbench against {server.name} said:\n{said}")
    times = sorted(read_times(folder)) if log else []
    return Result(float(tps.group(1)) if tps else 0.0, int(done.group(1)), times)


def read_times(folder):
    """The third field of each line of the log: microseconds from sending the transaction to its end."""
    for path in folder.glob("times.*"):
        with path.open() as lines:
            for line in lines:
                yield int(line.split()[2])
