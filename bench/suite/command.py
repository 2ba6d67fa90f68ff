"""The command line of bench/run."""

import argparse
import json
import signal
import sys
from pathlib import Path

from . import analytic, copy, idle, insert, keyed, machine, pipeline, point_select, report, start, tpcb
from .bed import Bed, say
from .processes import Failure

BENCHMARKS = {
    point_select.NAME: point_select.run,
    analytic.NAME: analytic.run,
    insert.NAME: insert.run,
    insert.NAME_LATENCY: insert.run_latency,
    insert.NAME_CPU: insert.run_cpu,
    keyed.NAME: keyed.run,
    pipeline.NAME: pipeline.run,
    tpcb.NAME: tpcb.run,
    start.NAME: start.run,
    idle.NAME: idle.run,
    copy.NAME: copy.run,
}
ROUNDS, QUICK_ROUNDS = 5, 2

EPILOG = f"""benchmarks: {", ".join(BENCHMARKS)}

examples:
  ./run bench
  ./run bench --quick insert
  ./run bench point_select analytic --json figures.json
"""


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="./run bench",
        description="Measures Merganser beside in-process DuckDB, PostgreSQL, Quack and a server that does "
        "nothing: all on this machine, in one run, in turn. The exit code is 1 when a target is missed.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EPILOG,
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="which benchmarks; all without any")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds: faster, less sure")
    parser.add_argument("--rounds", type=int, help=f"how often all contestants take their turn (default {ROUNDS})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every sample, for programs")
    parser.add_argument("--document", type=Path, metavar="FILE", help="write the tables between the marks of docs/BENCHMARKS.md or a copy")
    parser.add_argument("--dir", type=Path, help="where the data lies while it runs: the disk that is measured")
    parser.add_argument("--build", type=Path, help="the build that is measured (default build/release)")
    parser.add_argument("--postgres", default="/usr/lib/postgresql/15/bin", help="PostgreSQL's programs")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    if options.rounds is None:
        options.rounds = QUICK_ROUNDS if options.quick else ROUNDS
    if options.rounds < 1:
        parser.error("--rounds needs at least 1")
    return options


def measure_all(root, options):
    idle.allow_many_files()
    bed = Bed(root, options)
    tables = []
    try:
        facts = bed.facts()
        print(report.machine_text(facts), flush=True)
        for name in options.names or BENCHMARKS:
            disturbance = machine.Disturbance()
            table = BENCHMARKS[name](bed)
            say("")
            table.notes += disturbance.notes()
            tables.append(table)
            print(report.as_text(table), flush=True)
    finally:
        bed.close()
    return facts, tables


def main(root):
    options = parse_arguments()
    # Ends through the same door as an error: servers stopped, folders removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        facts, tables = measure_all(root, options)
    except Failure as failure:
        say("")
        print(f"bench: {failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        say("")
        return 130
    if options.json:
        what = {"facts": facts, "quick": options.quick, "rounds": options.rounds}
        what["benchmarks"] = [table.as_dict() for table in tables]
        options.json.write_text(json.dumps(what, indent=1) + "\n")
    if options.document:
        report.fill_document(options.document, facts, tables)
    missed = [(table.name, target.text) for table in tables for target in table.targets if not target.met]
    for name, text in missed:
        print(f"missed: {name}: {text}")
    return 1 if missed else 0
